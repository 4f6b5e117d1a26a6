"""The Stripe adapter on its own: shapes, signatures, broken wires, and the simulator."""
