"""Electronic documents of Ecuador's tax authority: building, signing, sending, printing."""
