"""The Mollie adapter on its own: against the simulator, and against broken wires."""
