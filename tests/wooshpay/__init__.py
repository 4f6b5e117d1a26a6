"""The WooshPay adapter on its own: against the simulator, and against hand-written wires."""
