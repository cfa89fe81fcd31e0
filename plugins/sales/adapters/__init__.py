"""What sales needs from the outside: pictures, spreadsheets, the password hasher."""
