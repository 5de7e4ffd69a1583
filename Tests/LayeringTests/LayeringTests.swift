import Testing

/// The compiler lets undeclared transitive imports through; this does not.
@Suite struct LayeringTests {
    @Test func everyModuleHasARuleAndEveryRuleAModule() throws {
        #expect(try SourceTree.directories("Sources") == Set(moduleRules.keys))
    }

    @Test(arguments: moduleRules.keys.sorted())
    func aModuleImportsOnlyWhatItMay(name: String) throws {
        let problems = violations(of: try #require(moduleRules[name]), try SourceTree.imports(ofModule: name))
        #expect(problems == [])
    }

    @Test(arguments: moduleRules.keys.sorted())
    func aRuleKeepsToItsLayer(name: String) throws {
        let rule = try #require(moduleRules[name])
        for imported in rule.imports.subtracting(externalModules).sorted() {
            let other = try #require(moduleRules[imported], "\(name) may import \(imported), which is no module")
            #expect(
                rule.layer.mayImport.contains(other.layer),
                "\(name) (\(rule.layer)) may not import \(imported) (\(other.layer))")
        }
    }

    @Test func noModuleReachesItself() {
        for name in moduleRules.keys.sorted() {
            #expect(!reachable(from: name).contains(name), "\(name) imports itself through others")
        }
    }

    @Test(arguments: moduleRules.keys.sorted())
    func thePackageDeclaresWhatIsImported(name: String) throws {
        let manifest = Manifest(try SourceTree.text("Package.swift"))
        let declared = try #require(manifest.dependencies[name], "Package.swift has no target \(name)")
        let rule = try #require(moduleRules[name])
        #expect(declared.subtracting(rule.imports) == [], "declared in Package.swift, but not allowed")
        let imported = Set(try SourceTree.imports(ofModule: name).map(\.module))
        #expect(
            imported.subtracting(toolchainModules).subtracting(["Foundation"]).subtracting(declared) == [],
            "imported, but not declared in Package.swift")
    }

    /// Tests run in release configuration, where `@testable` is not to be had.
    @Test func noTestIsTestable() throws {
        let marked = try SourceTree.swiftFiles("Tests").filter {
            try SourceTree.text($0).contains(/(?m)^\s*@testable\s/)
        }
        #expect(marked == [])
    }

    private func violations(of rule: ModuleRule, _ imports: [Import]) -> [String] {
        imports.filter { !rule.imports.contains($0.module) && !toolchainModules.contains($0.module) }
            .map { "\($0.place) imports \($0.module)" }
    }

    private func reachable(from name: String) -> Set<String> {
        var found: Set<String> = []
        var waiting = Array(moduleRules[name]?.imports ?? [])
        while let next = waiting.popLast() {
            if found.insert(next).inserted { waiting += moduleRules[next]?.imports ?? [] }
        }
        return found
    }

    // MARK: Canaries: what the checks above must find.

    @Test(arguments: [
        "import GRDB", "  import GRDB", "public import GRDB", "@preconcurrency import GRDB", "import struct GRDB.Row",
        "@_implementationOnly internal import GRDB", "import Base; import GRDB", "import\tGRDB // why not",
        "@_spi(Engine) import GRDB",
    ])
    func aForbiddenImportIsFound(line: String) throws {
        let imports = SourceTree.imports(in: "import Base\n\(line)\nlet x = 1\n", path: "File.swift")
        #expect(violations(of: try #require(moduleRules["VolumeEngine"]), imports) == ["File.swift:2 imports GRDB"])
    }

    @Test(arguments: ["// import GRDB", "/// import GRDB", "let text = \"import GRDB\"", "importGRDB()"])
    func whatIsNoImportIsNotTakenForOne(line: String) {
        #expect(SourceTree.imports(in: line, path: "File.swift") == [])
    }

    @Test func theRealTreeBreaksAStricterRule() throws {
        let imports = try SourceTree.imports(ofModule: "EmbeddedEngine")
        #expect(violations(of: ModuleRule(.engines, ["Base"]), imports).isEmpty == false)
        #expect(try SourceTree.directories("Sources") != Set(moduleRules.keys).subtracting(["Domain"]))
    }

    @Test func theManifestIsRead() {
        let manifest = Manifest(
            """
            let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
            .target(name: "C", linkerSettings: [.linkedLibrary("c")]),
            module("A"),
            module(
                "B",
                [
                    "A", grdb,  // "D"
                ]),
            .executableTarget(name: "P", dependencies: ["A", "B"], swiftSettings: strict),
            """)
        #expect(manifest.dependencies == ["A": [], "B": ["A", "GRDB"], "C": [], "P": ["A", "B"]])
    }
}
