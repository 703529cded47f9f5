"""The smallest service that plumbing can run: it copies each record's value to another topic."""
