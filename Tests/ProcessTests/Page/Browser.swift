import FoundationEssentials
import Glibc
import TestSupport

/// A Chromium without a screen.
final class Browser: Sendable {
  /// `nil` if none is installed.
  static let executable: String? = {
    let known: [String] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
    return known.first { access($0, X_OK) == 0 }
  }()

  private let program: RunningProgram
  private let tools: DevTools

  init() async throws {
    guard let executable = Self.executable else { throw DevTools.Refusal(description: "no Chromium is installed") }
    let folder = try TemporaryFolder()
    // Its sandbox refuses to run as root, which it is in a container; it shows nothing but our own page.
    let program = try RunningProgram(
      executable,
      arguments: [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
        "--hide-scrollbars", "--mute-audio", "--user-data-dir=" + folder.file("profile"), "--remote-debugging-port=0",
        "about:blank",
      ], in: folder, environment: ["HOME": folder.path], name: "chromium")
    let address = try await Wait.until("the port of the browser", program) {
      let file = FileManager.default.contents(atPath: folder.file("profile/DevToolsActivePort")) ?? Data()
      let lines = String(decoding: file, as: UTF8.self).split(separator: "\n")
      return lines.count == 2 ? "ws://127.0.0.1:\(lines[0])\(lines[1])" : nil
    }
    self.program = program
    tools = try await DevTools(address)
  }

  private struct Target: Decodable { let targetId: String }

  private struct Session: Decodable { let sessionId: String }

  func open(_ url: String) async throws -> BrowserPage {
    let target = try await tools.call("Target.createTarget", ["url": "about:blank"], as: Target.self).targetId
    let session = try await tools.call(
      "Target.attachToTarget", ["targetId": .text(target), "flatten": true], as: Session.self
    ).sessionId
    let page = BrowserPage(tools, target: target, session: session)
    for part in ["Page", "Runtime", "Log", "Network", "Accessibility"] { try await page.call(part + ".enable") }
    try await page.resize(.desktop)
    try await page.call("Page.navigate", ["url": .text(url)])
    try await page.until("the page's program", "document.readyState === 'complete' && location.href !== 'about:blank'")
    return page
  }

  /// Asks it to end, so that all its processes do.
  func end() async {
    _ = try? await tools.call("Browser.close")
    _ = try? await program.end()
    tools.close()
  }
}
