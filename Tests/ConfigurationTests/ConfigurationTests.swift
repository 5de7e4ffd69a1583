import Base
import Configuration
import Domain
import Foundation
import Testing

private let minimal = """
    pool:
      mountpaths:
        - { path: /mnt/d0, media: nvme }
    """

private let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

private func problems(_ yaml: String) -> String {
    do throws(Failure) {
        _ = try Configuration.parse(yaml, hostName: "h")
        return ""
    } catch { return error.description }
}

@Suite struct ConfigurationTests {
    @Test func everythingButMountpathsHasADefault() throws {
        let configuration = try Configuration.parse(minimal, hostName: "h")
        #expect(configuration.nodeID == "h" && configuration.storageHost == "h")
        #expect(configuration.sockets == .init(controller: "/run/ashlar/csi.sock", node: "/run/ashlar/csi.sock"))
        #expect(configuration.groups == Defaults.groups)
        #expect(configuration.classes == Defaults.classes)
        #expect(configuration.defaultClass == "standard")
        #expect(configuration.engine.ringBytes == 16 << 20)
        #expect(configuration.engine.mapCacheBytes == 64 << 20)
        #expect(configuration.cataloguePath == "/var/lib/ashlar/catalogue.sqlite")
        #expect(configuration.pool.mountpaths == [.init(path: "/mnt/d0", media: .nvme)])
    }

    @Test func theExampleIsTheDefaultsWrittenOut() throws {
        let path = repository.appendingPathComponent("deploy/examples/single-host.yaml").path
        let example = try Configuration.load(path: path)
        #expect(example.pool.mountpaths.map(\.path) == (0..<10).map { "/mnt/ashlar/d\($0)" })
        #expect(example.groups == Defaults.groups)
        #expect(example.classes == Defaults.classes)
        #expect(example.defaultClass == Defaults.className)
        #expect(example.nodeID == "host-1")
    }

    @Test func readsGroupsClassesAndSockets() throws {
        let configuration = try Configuration.parse(
            """
            runDirectory: /tmp/run/
            logLevel: debug
            csi: { controllerSocket: /tmp/c.sock, nodeSocket: /tmp/n.sock }
            engine: { ring: 16Mi }
            pool:
              allowSharedFilesystem: true
              mountpaths: [{ path: /mnt/a/, media: hdd }, { path: /mnt/b, media: ssd }]
            groups:
              - { label: fast, profile: archive, protection: "replicated(2)", media: [ssd, hdd], capacity: 10Gi }
              - { label: tiny, protection: single, sliceSize: 1Mi, deletionPolicy: delete, media: [any] }
            classes:
              - { name: fast, filesystem: xfs, mountOptions: [noatime, logbufs=8], mkfsOptions: ["-i size=1024"] }
            """, hostName: "h")
        #expect(configuration.runDirectory == "/tmp/run")
        #expect(configuration.sockets == .init(controller: "/tmp/c.sock", node: "/tmp/n.sock"))
        #expect(configuration.engine.socket == "/tmp/run/engine.sock")
        #expect(configuration.pool.allowSharedFilesystem)
        #expect(configuration.pool.mountpaths.first?.path == "/mnt/a")
        #expect(
            configuration.groups == [
                VolumeGroup(
                    label: "fast", profile: .archive, protection: .replicated(2), media: [.ssd, .hdd],
                    capacityBytes: 10 << 30, sliceBytes: 32 << 20),
                VolumeGroup(
                    label: "tiny", profile: .standard, protection: .single, deletionPolicy: .delete, sliceBytes: 1 << 20
                ),
            ])
        #expect(configuration.classes.first?.group == "fast")
        #expect(configuration.defaultClass == nil)
    }

    @Test(arguments: [
        ("pol: {}", "pol (line 1): unknown key"),
        ("state_directory: /x", "did you mean 'stateDirectory'?"),
        ("logLevel: loud", "logLevel (line 1): 'loud' must be one of trace"),
        ("stateDirectory: var", "stateDirectory (line 1): 'var' must be an absolute path"),
        ("node: { id: 'a b' }", "node.id (line 1): 'a b'"),
        ("csi: { socket: /a, nodeSocket: /b }", "csi.socket"),
        ("csi: { nodeSocket: /b }", "csi.controllerSocket: is missing"),
        ("engine: { ring: 5 }", "engine.ring (line 1): '5' must be from 8.0 MiB"),
        ("engine: { ring: lots }", "'lots' is not a size"),
        ("pool: { mountpaths: [] }", "pool.mountpaths (line 1): is empty"),
        ("pool: {}", "pool.mountpaths: is missing"),
        ("pool: { mountpaths: [{ path: /a }] }", "pool.mountpaths[0].media: is missing"),
        ("pool: { mountpaths: [{ path: /a, media: tape }] }", "'tape' must be one of nvme, ssd, hdd"),
        ("pool: { mountpaths: [{ path: /a, media: ssd }, { path: /a/, media: ssd }] }", "'/a' is listed twice"),
        ("pool: { mountpaths: [/a] }", "pool.mountpaths[0] (line 1): must be a mapping"),
        ("pool: { acceptMissing: perhaps }", "'perhaps' must be true or false"),
        ("groups: [{ label: A, protection: single }]", "groups[0].label (line 1): 'A' must have"),
        ("groups: [{ label: a, protection: raid5 }]", "'raid5' must be single, replicated(n)"),
        ("groups: [{ label: a }]", "groups[0].protection: is missing"),
        ("groups: [{ label: a, protection: single, sliceSize: 1 }]", "groups[0].sliceSize"),
        ("groups: [{ label: a, protection: single, media: [any, ssd] }]", "'any' stands alone"),
        ("groups: [{ label: a, protection: single, size: 3 }]", "groups[0].size (line 1): unknown key"),
        ("classes: [{ name: a }]", "classes[0].group: there is no group 'a'"),
        ("classes: [{ name: bulk, filesystem: zfs }]", "'zfs' must be one of ext4, xfs"),
        ("classes: [{ name: bulk, mountOptions: [nobarrier] }]", "classes[0].mountOptions[0] (line 1)"),
        ("classes: [{ name: bulk, mkfsOptions: ['-F'] }]", "mkfs option '-F' is not offered"),
        ("defaultClass: gold", "there is no class 'gold'"),
        ("- a", "must be a mapping"),
        ("a: [", "not valid YAML"),
        ("", "is empty"),
        ("logLevel: info\nlogLevel: debug", "not valid YAML"),
    ])
    func namesKeyAndRemedy(yaml: String, message: String) {
        #expect(problems(yaml).contains(message), "\(problems(yaml))")
    }

    @Test func reportsEverythingAtOnce() {
        let text = problems("logLevel: loud\nnode: { name: x }\npool: { mountpaths: [{ path: a, media: b }] }")
        for part in ["4 problems", "logLevel", "node.name", "pool.mountpaths[0].path", "pool.mountpaths[0].media"] {
            #expect(text.contains(part), "\(part) in \(text)")
        }
    }

    @Test func aMissingFileIsNamed() {
        let failure = #expect(throws: Failure.self) { try Configuration.load(path: "/nowhere/ashlar.yaml") }
        #expect(failure?.kind == .notFound)
        #expect(failure?.description.contains("/nowhere/ashlar.yaml") == true)
    }

    @Test func theSchemaHasTheSameKeys() throws {
        let data = try Data(contentsOf: repository.appendingPathComponent("deploy/config.schema.json"))
        let schema = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let definitions = try #require(schema["$defs"] as? [String: [String: Any]])
        for section in Section.allCases {
            let object = section == .root ? schema : try #require(definitions[section.rawValue])
            let properties = try #require(object["properties"] as? [String: Any])
            #expect(Set(properties.keys) == Set(section.keys), "\(section)")
            #expect(object["additionalProperties"] as? Bool == false, "\(section)")
        }
    }

    @Test func theReferenceNamesEveryKey() throws {
        let text = try String(
            contentsOf: repository.appendingPathComponent("docs/configuration.md"), encoding: .utf8)
        for section in Section.allCases {
            for key in section.keys where !["node", "csi", "engine", "pool"].contains(key) {
                #expect(text.contains("`\(key)`") || text.contains(".\(key)`"), "\(key)")
            }
        }
    }
}
