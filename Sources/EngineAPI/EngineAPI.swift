import ProtobufRuntime

/// The messages of protos/ashlar_engine.proto.
package enum EngineMessages {}
