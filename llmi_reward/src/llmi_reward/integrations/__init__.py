"""One small module per RL framework. Each is given `render=`, which turns a parsed answer into pictures.

None imports its framework: an adapter meets a calling convention, so importing it costs nothing.
"""
