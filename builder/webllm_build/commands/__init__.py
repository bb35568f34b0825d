"""The commands, a file each: what was asked becomes a call, and what that returns becomes lines of a terminal."""
