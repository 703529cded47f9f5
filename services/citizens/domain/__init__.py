"""What the vault decides, without a database: who may ask what, how keys are wrapped, which card stands, how long keys live."""
