"""Code systems from the release files of those who publish them. Their content is licensed and never shipped."""
