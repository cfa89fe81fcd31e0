"""What a receiver sees: one inbox over all issuers, downloads, answers, and who else may read it."""
