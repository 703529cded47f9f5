"""Bite: known bugs are planted one at a time in a copy of the tree, and what is meant to find them must find them.

Invariants: a patch is an exact replacement that fails loudly where its text is not found, so a bug that can no longer be
planted is noticed; a bug counts as found only when a law is broken, not when something merely crashed; the same raids on the
unpatched copy leave every law whole.
"""
