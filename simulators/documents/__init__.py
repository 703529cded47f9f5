"""Citizens who send documents, simulated: the portal's side of `uploads`, with good files and bad ones."""
