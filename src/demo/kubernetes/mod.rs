//! Kubernetes as the world speaks it: API machinery, and small models of the controllers that move the objects.
