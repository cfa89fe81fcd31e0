"""A tax authority to practise against: judges documents by its own rules, shares no code with the emitter."""
