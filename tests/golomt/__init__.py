"""The Golomt Bank adapter: its mapping, its checksums, its calls, its place in the flow."""
