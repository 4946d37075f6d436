"""The demo's data: a believable marketplace, the same for the same seed, with dates relative to the day it is made."""
