"""Schools: importing their spreadsheets."""
