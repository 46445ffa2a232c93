"""What the commands share: options as words, which files are meant, and what each of them is held against."""
