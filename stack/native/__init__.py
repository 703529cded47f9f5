"""Real servers without containers: Kafka from its own jars under Java, PostgreSQL from the system's packages."""
