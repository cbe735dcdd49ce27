"""What Kubernetes is to apply, made of the declarations of topics and rights."""
