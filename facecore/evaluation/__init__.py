"""How often the answers are right, on photos whose truth somebody wrote down.

Nothing here runs a network: photos that were analysed already go in, so that
only the counting is done again when a threshold moves.
"""
