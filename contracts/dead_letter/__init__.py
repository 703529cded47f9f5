"""What a consumer could never work, kept so that it can be found, understood, mended and replayed."""
