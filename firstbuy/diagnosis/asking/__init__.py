"""What is found in a deployment: each module asks one kind of its parts and judges nothing."""
