@_exported import ProtobufRuntime

/// The messages of the Container Storage Interface, protos/csi.proto: `CSI.CreateVolumeRequest` and so on, and the
/// gRPC paths of its methods, `CSI.Method.createVolume`.
public enum CSI {}
