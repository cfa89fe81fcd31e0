"""Notes about what happened: a third party's plugin."""
