// ErasureCoding
