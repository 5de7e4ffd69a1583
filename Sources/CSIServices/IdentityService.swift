import Base
import CSIMessages
import ProtobufRuntime

/// CSI Identity: who we are, and whether we are ready.
public final class IdentityService: Sendable {
    /// What is true of this driver whatever state it is in, so that a process that is starting answers it.
    public static let alwaysAnswered: Set<String> = [
        CSI.Method.probe, CSI.Method.getPluginInfo, CSI.Method.getPluginCapabilities,
        CSI.Method.controllerGetCapabilities, CSI.Method.groupControllerGetCapabilities,
        CSI.Method.nodeGetCapabilities, CSI.Method.nodeGetInfo,
    ]

    private let settings: CSISettings
    private let isReady: @Sendable () -> Bool

    /// `isReady` answers false while the process is starting.
    public init(settings: CSISettings, isReady: @escaping @Sendable () -> Bool) {
        self.settings = settings
        self.isReady = isReady
    }

    func getPluginInfo(_ request: CSI.GetPluginInfoRequest) -> CSI.GetPluginInfoResponse {
        CSI.GetPluginInfoResponse(name: CSISettings.driverName, vendorVersion: settings.version)
    }

    func getPluginCapabilities(_ request: CSI.GetPluginCapabilitiesRequest) -> CSI.GetPluginCapabilitiesResponse {
        var services: [CSI.PluginCapability.Service.Kind] = [
            .controllerService, .volumeAccessibilityConstraints, .groupControllerService, .snapshotMetadataService,
        ]
        if settings.contract >= .v13 { services.append(.snapshotAccessibilityConstraints) }
        return CSI.GetPluginCapabilitiesResponse(
            capabilities: services.map { .init(type: .service(.init(type: $0))) }
                + [.init(type: .volumeExpansion(.init(type: .online)))])
    }

    func probe(_ request: CSI.ProbeRequest) -> CSI.ProbeResponse { CSI.ProbeResponse(ready: isReady()) }
}
