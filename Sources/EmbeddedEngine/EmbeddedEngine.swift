// EmbeddedEngine
