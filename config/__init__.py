"""Wires everything: settings, addresses, workers, the demo and the tests. Imported by no other package."""
