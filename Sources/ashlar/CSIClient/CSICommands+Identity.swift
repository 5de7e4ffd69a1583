import ArgumentParser
import CSIMessages

extension CSICommand {
    struct GetPluginInfo: CSICall {
        typealias Reply = CSI.GetPluginInfoResponse
        static let method = CSI.Method.getPluginInfo
        static let configuration = CommandConfiguration(abstract: "Print the driver's name and version.")
        @OptionGroup var connection: CSIConnectionOptions

        func request() -> CSI.GetPluginInfoRequest { .init() }
    }

    struct GetPluginCapabilities: CSICall {
        typealias Reply = CSI.GetPluginCapabilitiesResponse
        static let method = CSI.Method.getPluginCapabilities
        static let configuration = CommandConfiguration(abstract: "List what the driver as a whole can do.")
        @OptionGroup var connection: CSIConnectionOptions

        func request() -> CSI.GetPluginCapabilitiesRequest { .init() }
    }

    struct Probe: CSICall {
        typealias Reply = CSI.ProbeResponse
        static let method = CSI.Method.probe
        static let configuration = CommandConfiguration(abstract: "Ask whether the driver is ready.")
        @OptionGroup var connection: CSIConnectionOptions

        func request() -> CSI.ProbeRequest { .init() }
    }
}
