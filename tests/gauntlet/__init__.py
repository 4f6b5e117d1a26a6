"""Rows of the gauntlet that make sense for one provider that signs nothing: lies, repeats, faults, bad timing."""
