"""How a deployment is looked at from outside: lag in Kafka, figures of services, what a support bundle may hold."""
