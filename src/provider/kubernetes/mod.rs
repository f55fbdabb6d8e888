//! What every engine on Kubernetes shares: the client over our seam, lists, watches with resync, patches, access reviews.
