"""Files of vendors and payment providers: sending them, what was understood, their lines and what is done with them."""
