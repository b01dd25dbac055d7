"""Neural networks. Keras and JAX are loaded by the first network that is trained, never before."""
