"""Whether a deployment is as declared: comparing, without I/O. `firstbuy/diagnosis/asking` asks the deployment."""
