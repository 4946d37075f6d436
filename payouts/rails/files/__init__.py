"""
The file rail: instructions leave in files that a person carries to the bank, and come back as result files.

Plain Python without a database: `sheet` and `pain001` write, `results`, `pain002` and `camt053` read.
"""
