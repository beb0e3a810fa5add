import FoundationEssentials
import TestSupport
import Testing

/// The page in a real browser, fed by the simulator.
@Suite(
  .serialized, .timeLimit(.minutes(Soak.minutes(10))), .staged,
  .enabled(if: Browser.executable != nil, "Chromium is not installed; `make setup` installs it where it can"))
struct PageTests {
  /// Opens a served page, and waits until it shows what is served.
  private func open(_ served: ServedPage) async throws -> BrowserPage {
    let page = try await stage().browser.open(served.url)
    try await page.until("live data", "document.getElementById('link').textContent === 'live'")
    try await page.until("candles", "prices.size > 60")
    try await page.until("predictions", "document.querySelectorAll('#now button').length > 5")
    return page
  }

  private func stage() throws -> PageStage { try #require(PageStage.current) }

  @Test func `it loads without a complaint, lives without a reload, and tells right from wrong`() async throws {
    let served = try await stage().serve()
    let page = try await open(served)
    try await page.until("an event", Self.toldEvent)
    let newest = try await page.evaluate("window.notReloaded = Math.max(...prices.keys())", as: Int.self)
    try await page.until("two more candles", "Math.max(...prices.keys()) >= \(newest) + 120")
    let said = "document.querySelector('#now tbody').innerText"
    let before = try await page.evaluate("window.saidBefore = \(said)", as: String.self)
    try await page.until("another prediction", "\(said) !== window.saidBefore")
    try await page.until(
      "an outcome", "candleSeries.markers().some((one) => one.shape !== 'arrowUp' && one.shape !== 'arrowDown')")
    try await page.until("how good it was", "document.querySelectorAll('#skill tr').length > 3")
    for (part, condition) in Self.parts { try await page.until(part, condition) }
    try await explainByMouse(page)
    let isSame = try await page.evaluate("window.notReloaded === \(newest)", as: Bool.self)
    #expect(isSame && !before.isEmpty)
    #expect(try await page.evaluate("document.getElementById('label').innerText", as: String.self) == "simulated data")
    let note = try await page.evaluate("document.getElementById('window-note').innerText", as: String.self)
    #expect(note.hasPrefix("Binance price, not the settlement price: ") && note.hasSuffix("\u{a0}USDT"), "\(note)")
    #expect(page.complaints == [], "\(served.program.output.suffix(5000))")
    try await look(at: page)
    try await page.close()
  }

  /// What answers from the start, which stands in no store.
  private static let toldEvent = """
    [...document.querySelectorAll('#events tr')].some(({ cells }) => / UTC$/.test(cells[0].textContent)
      && cells[1].textContent === 'info' && cells[2].textContent === 'model'
      && /answers for \\w+-15m from now on/.test(cells[3].textContent))
    """

  /// What each part of the page shows once there is something to show, by what it is called.
  private static let parts: KeyValuePairs = [
    "time left, price to beat and probability of both windows": """
    ((lines) => lines.length === 2 && document.getElementById('beat-unit').textContent === '(USDT)'
      && lines.every(({ cells }) => /^\\d+:\\d\\d min$/.test(cells[2].textContent)
        && /^\\d+\\.\\d\\d$/.test(cells[3].textContent) && /^\\d+\\.\\d\\s%by \\w+$/.test(cells[4].textContent)))(
      [...document.querySelectorAll('#windows tr')])
    """,
    "points of reliability, and the same in words": """
    document.querySelectorAll('#reliability circle').length > 0
      && /^Reliability of \\w+: said [\\d.]+\\s%, was [\\d.]+\\s%/.test(
        document.getElementById('reliability-text').textContent)
    """,
    "the strip of minutes": """
    ((pieces) => pieces.length > 0 && pieces.every((one) => ['live', 'patched', 'absent'].includes(one.className)
        && one.getBoundingClientRect().width > 0 && new RegExp(`^\\\\d+ minutes ${one.className}$`).test(one.title)))(
      [...document.querySelectorAll('#minutes span')])
      && /\\d+ came live .* \\d+ were fetched .* \\d+ are absent/.test(
        document.getElementById('minutes-text').textContent)
    """,
    "lines of probability, and their interval": """
    lines.size > 0 && [...lines.values()].every((line) => line.data().some((point) => point.value > 0))
      && [...document.querySelectorAll('#legend li')].some((item) => /\\w+ [\\d.]+\\s%$/.test(item.textContent))
      && document.getElementById('band-model').textContent !== 'a model'
      && /^(not known yet|[\\d.]+\\s% to [\\d.]+\\s%)$/.test(document.getElementById('band-now').textContent)
    """,
    "latency and memory of the feed": """
    /prediction takes\\d+ µs \\(half of them\\), \\d+ µs/.test(document.getElementById('feed').textContent)
      && /memory[\\d.]+ MiB/.test(document.getElementById('feed').textContent)
    """,
    "features with their age": """
    document.querySelectorAll('#features tr').length > 30
      && /closed .* UTC, \\d+ s old/.test(document.getElementById('features-note').textContent)
    """,
    "right and wrong in another shape, and in words": """
    ((all) => all.length > 0 && all.every((one) =>
        all.every((other) => one.color === other.color || one.shape !== other.shape)))(candleSeries.markers())
      && document.getElementById('markers').textContent.includes('● was right and ■ was wrong')
    """,
  ]

  /// Of a row of the table, and of a marker on the chart.
  private func explainByMouse(_ page: BrowserPage) async throws {
    let row = """
      ((button) => {
        button.scrollIntoView({ block: "center" });
        const { left, top, width, height } = button.getBoundingClientRect();
        return [left + width / 2, top + height / 2];
      })(document.querySelector('#now button'))
      """
    let marker = """
      ((chart) => {
        chart.scrollIntoView();
        const { left, top, height } = chart.getBoundingClientRect();
        return [left + charts[0].timeScale().timeToCoordinate(candleSeries.markers().at(-3).time), top + height / 2];
      })(document.getElementById('candles'))
      """
    for place in [row, marker] {
      try await click(place, on: page, until: "document.querySelector('dialog').open")
      try await page.until("an explanation", Self.explained)
      try await page.press(.escape)
      try await page.until("its end", "!document.querySelector('dialog').open")
    }
  }

  /// What moves meanwhile can be missed, so that it is tried again.
  private func click(_ place: String, on page: BrowserPage, until condition: String) async throws {
    for _ in 0..<20 where !(try await page.evaluate(condition, as: Bool.self)) {
      let point = try await page.evaluate(place, as: [Double].self)
      try await page.click(x: point[0], y: point[1])
    }
    try await page.until("what a click opens", condition)
  }

  /// As wide as a desk's and a telephone's screen, by day and by night.
  private func look(at page: BrowserPage) async throws {
    let folder = ".build/screenshots"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var papers: Set<String> = []
    for device in BrowserPage.Device.allCases {
      try await page.resize(device)
      for scheme in ["light", "dark"] {
        try await page.prefer(scheme)
        let name = "\(device.rawValue)-\(scheme)"
        let expected = "matchMedia('(prefers-color-scheme: \(scheme))').matches && innerWidth === \(device.width)"
        try await page.until("\(name)", expected)
        papers.insert(try await page.evaluate("getComputedStyle(document.body).backgroundColor", as: String.self))
        let width = try await page.evaluate("document.documentElement.scrollWidth", as: Int.self)
        #expect(width <= device.width, "\(name) is \(width) wide")
        #expect(try await page.evaluate(Self.pale, as: [String].self) == [], "\(name)")
        let picture = try await page.picture()
        #expect(picture.starts(with: [0x89, 0x50, 0x4E, 0x47]))
        try picture.write(to: URL(filePath: "\(folder)/\(name).png"))
      }
    }
    #expect(papers.count == 2, "\(papers)")
  }

  /// Texts that stand out from what is behind them by less than 4.5 to 1.
  private static let pale = """
    (() => {
      const parts = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
      const light = (colour) => {
        const [r, g, b] = parts(colour).map((part) => part / 255)
          .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const behind = (node) => {
        for (let at = node; at; at = at.parentElement) {
          const colour = getComputedStyle(at).backgroundColor;
          if ((parts(colour)[3] ?? 1) > 0) return colour;
        }
        return "rgb(255, 255, 255)";
      };
      const pale = new Set();
      for (const node of document.querySelectorAll("body *")) {
        if (!node.checkVisibility() || node.closest("svg, select")) continue;
        if (![...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())) continue;
        const [one, other] = [light(getComputedStyle(node).color), light(behind(node))];
        const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (contrast < 4.5) pale.add(`${node.textContent.trim().slice(0, 40)}: ${contrast.toFixed(2)}`);
      }
      return [...pale];
    })()
    """

  @Test func `it says that it is cut off, and goes on by itself when the server is back`() async throws {
    let first = try await stage().serve()
    let page = try await open(first)
    let newest = try await page.evaluate("window.notReloaded = Math.max(...prices.keys())", as: Int.self)
    first.program.kill()
    let link = "document.getElementById('link')"
    try await page.until("word of being cut off", "\(link).textContent.includes('cut off since')")
    let role = try await page.evaluate("\(link).role ?? \(link).getAttribute('role')", as: String.self)
    #expect(role == "status", "a change is told to who cannot see it")
    let second = try await stage().serve(port: first.port)
    try await page.until("live data", "\(link).textContent === 'live'")
    try await page.until("newer candles", "Math.max(...prices.keys()) >= \(newest) + 120")
    try await page.until("newer predictions", "[...newest.values()].some((one) => seconds(one.time) > \(newest) + 120)")
    #expect(try await page.evaluate("window.notReloaded === \(newest)", as: Bool.self))
    #expect(!page.complaints.contains { $0.hasPrefix("exception") }, "\(page.complaints)")
    try await page.close()
    second.program.kill()
  }

  @Test func `the keyboard reaches everything, and opens and closes an explanation`() async throws {
    let served = try await stage().serve()
    let page = try await open(served)
    try await page.until("features", "document.querySelectorAll('#features tr').length > 30")
    let controls = try await page.evaluate(
      """
      (window.controls = [...document.querySelectorAll("a[href], button, select, input, [tabindex='0']")]
        .filter((one) => one.checkVisibility())).length
      """, as: Int.self)
    var reached: Set<Int> = []
    for _ in 0..<(2 * controls + 10) where reached.count < controls {
      try await page.press(.tab)
      let place = try await page.evaluate("window.controls.indexOf(document.activeElement)", as: Int.self)
      guard place >= 0, reached.insert(place).inserted else { continue }
      let isSeen = try await page.evaluate(
        """
        (({ outlineStyle, outlineWidth }) => outlineStyle !== "none" && parseFloat(outlineWidth) >= 2)(
          getComputedStyle(document.activeElement))
        """, as: Bool.self)
      let shown = try await page.evaluate("document.activeElement.outerHTML.slice(0, 200)", as: String.self)
      #expect(isSeen, "\(shown)")
    }
    // What is renewed meanwhile is another control.
    let lasting = try await page.evaluate(
      "window.controls.flatMap((one, place) => one.isConnected && one.checkVisibility() ? [place] : [])", as: [Int].self
    )
    #expect(reached.isSuperset(of: lasting) && lasting.count > 10, "not reached: \(Set(lasting).subtracting(reached))")

    let focus = "(window.opener = document.querySelector('#now button')).focus() ?? true"
    #expect(try await page.evaluate(focus, as: Bool.self))
    try await page.press(.enter)
    try await page.until("an explanation", "document.querySelector('dialog').open && \(Self.explained)")
    try await page.press(.escape)
    try await page.until("its end", "!document.querySelector('dialog').open")
    #expect(
      try await page.evaluate("document.activeElement === window.opener", as: Bool.self), "it gives back the focus")
    try await page.press(.enter)
    try await page.until("an explanation", "document.querySelector('dialog').open && \(Self.explained)")
    #expect(try await page.evaluate("document.activeElement.textContent", as: String.self) == "Close")
    try await page.press(.enter)
    try await page.until("its end", "!document.querySelector('dialog').open")
    #expect(page.complaints == [])
    try await page.close()
  }

  private static let explained = "document.getElementById('explanation-text').textContent.includes('same bits')"

  @Test func `everything that can be used or looked at has a name`() async throws {
    let served = try await stage().serve()
    let page = try await open(served)
    let elements = try await page.accessible()
    let roles: Set = [
      "button", "link", "combobox", "textbox", "checkbox", "slider", "region", "img", "image", "table", "dialog",
    ]
    let named = elements.filter { element in
      let role = element.role?.value ?? ""
      return role != "RootWebArea" && (roles.contains(role) || element.canBeFocused)
    }
    let controls = Set(named.compactMap(\.role?.value))
    #expect(controls.isSuperset(of: ["button", "link", "combobox", "region"]), "\(controls)")
    for element in named where (element.name?.value ?? "").isEmpty {
      Issue.record("an element of role \(element.role?.value ?? "") has no name")
    }
    let buttons = named.filter { $0.role?.value == "button" }.compactMap { $0.name?.value }
    #expect(Set(buttons).count == buttons.count, "two of one name: \(buttons)")
    #expect(elements.contains { $0.role?.value == "heading" && $0.name?.value?.hasPrefix("Candlecast") == true })
    try await page.close()
  }
}
