"""What services and other systems share: topics, envelope, and the messages of each owner with schemas and examples.

`contracts` imports nothing of ours. A message is `contracts/<owner>/v<major>`; within a major version only additions
happen, and `python -m contracts check` refuses anything an old consumer or producer would not survive.
"""
