import FoundationEssentials
import TestSupport

/// A page in a browser.
struct BrowserPage: Sendable {
  enum Device: String, CaseIterable {
    case desktop, phone

    var width: Int { self == .desktop ? 1280 : 390 }
    var height: Int { self == .desktop ? 900 : 844 }
  }

  private let tools: DevTools
  private let target: String
  private let session: String

  init(_ tools: DevTools, target: String, session: String) {
    (self.tools, self.target, self.session) = (tools, target, session)
  }

  func call<Value: Decodable>(
    _ method: String, _ parameters: [String: DevTools.Parameter] = [:], as type: Value.Type = DevTools.Nothing.self
  ) async throws -> Value {
    try await tools.call(method, parameters, in: session, as: type)
  }

  func call(_ method: String, _ parameters: [String: DevTools.Parameter] = [:]) async throws {
    _ = try await call(method, parameters, as: DevTools.Nothing.self)
  }

  /// Errors, warnings, and what could not be loaded.
  var complaints: [String] { tools.complaints(of: session) }

  func close() async throws { try await tools.call("Target.closeTarget", ["targetId": .text(target)]) }

  // MARK: Its program

  private struct Evaluation<Value: Decodable>: Decodable {
    struct Outcome: Decodable { let value: Value? }
    struct Details: Decodable {
      struct Thrown: Decodable { let description: String? }

      let text: String
      let exception: Thrown?
    }

    private enum Key: String, CodingKey { case result, exceptionDetails }

    let result: Outcome?
    let exceptionDetails: Details?

    init(from decoder: any Decoder) throws {
      let answer = try decoder.container(keyedBy: Key.self)
      exceptionDetails = try answer.decodeIfPresent(Details.self, forKey: .exceptionDetails)
      // What was thrown is the value then.
      result = exceptionDetails == nil ? try answer.decodeIfPresent(Outcome.self, forKey: .result) : nil
    }
  }

  /// What an expression, or the promise that it is, has as its value.
  func evaluate<Value: Decodable>(_ expression: String, as type: Value.Type) async throws -> Value {
    let answer = try await call(
      "Runtime.evaluate", ["expression": .text(expression), "awaitPromise": true, "returnByValue": true],
      as: Evaluation<Value>.self)
    guard answer.exceptionDetails == nil, let value = answer.result?.value else {
      let details = answer.exceptionDetails
      throw DevTools.Refusal(
        description: "\(expression): \(details?.exception?.description ?? details?.text ?? "no value")")
    }
    return value
  }

  /// Returns when an expression holds on the page.
  func until(_ what: String, _ condition: String) async throws {
    _ = try await evaluate(
      """
      new Promise((done, fail) => {
        const end = performance.now() + \(Patience.seconds * 1000);
        const look = () => {
          if (\(condition)) return done(true);
          if (performance.now() > end)
            return fail(new Error("\(what) did not come: " + document.body.innerText.slice(0, 3000)));
          setTimeout(look, 20);
        };
        look();
      })
      """, as: Bool.self)
  }

  // MARK: Its user

  enum Key: String {
    case tab = "Tab"
    case enter = "Enter"
    case escape = "Escape"

    var code: Int {
      switch self {
      case .tab: 9
      case .enter: 13
      case .escape: 27
      }
    }
  }

  func press(_ key: Key) async throws {
    for event in ["keyDown", "keyUp"] {
      var parameters: [String: DevTools.Parameter] = [
        "type": .text(event), "key": .text(key.rawValue), "code": .text(key.rawValue),
        "windowsVirtualKeyCode": .number(key.code),
      ]
      if key == .enter, event == "keyDown" { parameters["text"] = "\r" }
      try await call("Input.dispatchKeyEvent", parameters)
    }
  }

  /// The left button of the mouse, at a point of what is seen.
  func click(x: Double, y: Double) async throws {
    for event in ["mouseMoved", "mousePressed", "mouseReleased"] {
      try await call(
        "Input.dispatchMouseEvent",
        [
          "type": .text(event), "x": .number(Int(x)), "y": .number(Int(y)),
          "button": .text(event == "mouseMoved" ? "none" : "left"), "clickCount": event == "mouseMoved" ? 0 : 1,
        ])
    }
  }

  func resize(_ device: Device) async throws {
    try await call(
      "Emulation.setDeviceMetricsOverride",
      [
        "width": .number(device.width), "height": .number(device.height), "deviceScaleFactor": 1,
        "mobile": .flag(device == .phone),
      ])
  }

  func prefer(_ scheme: String) async throws {
    try await call(
      "Emulation.setEmulatedMedia",
      ["features": [["name": "prefers-color-scheme", "value": .text(scheme)]]])
  }

  private struct Picture: Decodable { let data: Data }

  private struct Metrics: Decodable {
    struct Size: Decodable {
      let width: Double
      let height: Double
    }

    let cssContentSize: Size
  }

  /// A picture of the whole page.
  func picture() async throws -> Data {
    let size = try await call("Page.getLayoutMetrics", as: Metrics.self).cssContentSize
    return try await call(
      "Page.captureScreenshot",
      [
        "format": "png", "captureBeyondViewport": true,
        "clip": [
          "x": 0, "y": 0, "width": .number(Int(size.width)), "height": .number(Int(size.height)), "scale": 1,
        ],
      ], as: Picture.self
    ).data
  }

  // MARK: What others are told of it

  /// An element as it is told to who cannot see it.
  struct Accessible: Decodable {
    struct Text: Decodable {
      let value: String?

      enum Key: CodingKey { case value }

      init(from decoder: any Decoder) throws {
        value = try? decoder.container(keyedBy: Key.self).decode(String.self, forKey: .value)
      }
    }
    struct Property: Decodable {
      struct Flag: Decodable {
        let isTrue: Bool

        enum Key: CodingKey { case value }

        init(from decoder: any Decoder) throws {
          isTrue = (try? decoder.container(keyedBy: Key.self).decode(Bool.self, forKey: .value)) ?? false
        }
      }

      let name: String
      let value: Flag
    }

    let ignored: Bool
    let role: Text?
    let name: Text?
    let properties: [Property]?

    var canBeFocused: Bool { properties?.contains { $0.name == "focusable" && $0.value.isTrue } == true }
  }

  private struct AccessibleTree: Decodable { let nodes: [Accessible] }

  func accessible() async throws -> [Accessible] {
    try await call("Accessibility.getFullAXTree", as: AccessibleTree.self).nodes.filter { !$0.ignored }
  }
}
