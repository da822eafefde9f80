"""Every verb once: its words, its help, its completion and what it calls, for magics and for the shell alike."""

from rlkit.verbs.parser import HelpRequested, OptionParser
from rlkit.verbs.scope import Scope
from rlkit.verbs.verb import Verb

__all__ = ["HelpRequested", "OptionParser", "Scope", "Verb"]
