import type { ProblemsWords } from "../en/problems.ts";

const PROBLEMS: ProblemsWords = {
  ways: {
    tryAgain: "Noch einmal versuchen",
    startAgain: "Modell neu starten",
    loadPage: "Seite neu laden",
    anew: "Von vorn beginnen",
    settings: "Einstellungen öffnen",
    leaveOut: "Den ältesten Teil weglassen",
    close: "Schließen",
  },
  problems: {
    WebGPUNotAvailable: {
      title: "Dieser Browser bietet kein WebGPU",
      text: "Das Modell läuft auf der GPU dieses Geräts, und der Browser lässt Seiten nicht an sie heran.",
      fix: "Verwenden Sie ein aktuelles Chrome oder Edge, Safari ab Version 26 oder Firefox ab Version 141, mit eingeschalteter Grafikbeschleunigung.",
    },
    FeatureSupport: {
      title: "Dieses Gerät kann das Modell nicht ausführen",
      text: "Dem Browser oder der GPU fehlt eine Fähigkeit oder eine Größe, die das Modell braucht.",
      fix: "Aktualisieren Sie Browser und Grafiktreiber, wählen Sie in den Einstellungen GPU oder CPU, oder verwenden Sie ein anderes Gerät.",
    },
    Download: {
      title: "Der Download ist stehen geblieben",
      text: "Eine Datei des Modells konnte nicht geladen werden. Was bisher angekommen ist, bleibt.",
      fix: "Prüfen Sie die Verbindung und versuchen Sie es noch einmal: Es geht dort weiter, wo es aufgehört hat. Ist die Verbindung gut, hat die Website vielleicht eine neuere Version: Laden Sie die Seite neu.",
    },
    NoAnswer: {
      title: "Der Browser antwortet nicht",
      text: "Er wurde um etwas gebeten, was das Modell braucht, und hat es weder gegeben noch verweigert. Was heruntergeladen wurde, bleibt.",
      fix: "Versuchen Sie es noch einmal. Bleibt es so, schließen Sie andere Seiten dieser Website und laden Sie diese neu, oder starten Sie den Browser neu.",
    },
    Integrity: {
      title: "Eine Datei ist beschädigt angekommen",
      text: "Ihre Prüfsumme ist nicht die, die zu diesem Modell gehört. Die Datei wurde verworfen.",
      fix: "Versuchen Sie es noch einmal, oder laden Sie die Seite neu. Bleibt es so, wurde die Website nicht vollständig hochgeladen.",
    },
    Manifest: {
      title: "Die Beschreibung des Modells ist nicht lesbar",
      text: "Die Dateien der Website passen nicht zusammen.",
      fix: "Laden Sie die Seite neu. Bleibt es so, muss die Website neu gebaut und hochgeladen werden.",
    },
    Protocol: {
      title: "Das Modell konnte nicht weiterarbeiten",
      text: "Vielleicht wurde die Website aktualisiert, während diese Seite offen war, sodass ein Teil der alten Version fehlt. Was Sie geschrieben haben, bleibt.",
      fix: "Laden Sie die Seite neu. Bleibt es so, muss die Website neu gebaut und hochgeladen werden.",
    },
    DeviceLost: {
      title: "Die GPU ging verloren",
      text: "Der Grafiktreiber wurde zurückgesetzt, oder das System hat die GPU weggenommen. Was Sie geschrieben haben, bleibt.",
      fix: "Starten Sie das Modell neu. Geschieht es oft, schließen Sie andere Seiten, die die GPU benutzen, oder wählen Sie in den Einstellungen einen kürzeren Kontext.",
    },
    GPUExecution: {
      title: "Die GPU hat den Dienst verweigert",
      text: "Der Browser meldete einen Fehler des Grafiktreibers. Was Sie geschrieben haben, bleibt.",
      fix: "Starten Sie das Modell neu. Bleibt es so, aktualisieren Sie Browser und Grafiktreiber.",
    },
    OutOfMemory: {
      title: "Es ist zu wenig Speicher frei",
      text: "Das Modell und das, was es liest, passen nicht hinein. Was Sie geschrieben haben, bleibt.",
      fix: "Schließen Sie andere Seiten und Programme, die Speicher oder die GPU brauchen, oder wählen Sie in den Einstellungen einen kürzeren Kontext, und starten Sie neu.",
    },
    ContextWindowSizeExceeded: {
      title: "Das ist für das Modell zu lang geworden",
      text: "Es passt nicht mehr in den Kontext, den die Einstellungen dem Modell geben.",
      fix: "Lassen Sie das Modell den ältesten Teil vergessen, beginnen Sie von vorn, oder wählen Sie in den Einstellungen einen längeren Kontext.",
    },
    RequestValidation: {
      title: "Das Modell hat die Anfrage nicht angenommen",
      text: "Eine der Einstellungen passt nicht zu ihm.",
      fix: "Sehen Sie in die Einstellungen und senden Sie die Nachricht noch einmal.",
    },
    ModelNotFound: {
      title: "Diese Website hat das Modell nicht",
      text: "Das gewünschte Modell ist nicht unter denen dieser Website.",
      fix: "Laden Sie die Seite neu. Bleibt es so, muss die Website neu gebaut und hochgeladen werden.",
    },
    ModelNotLoaded: {
      title: "Das Modell ist nicht geladen",
      text: "Es wurde gefragt, bevor es da war. Was Sie geschrieben haben, bleibt.",
      fix: "Starten Sie das Modell neu.",
    },
    QueueFull: {
      title: "Es wurde zu viel auf einmal gefragt",
      text: "Andere Tabs oder Programme warten auf Antworten dieses Modells, und es nimmt keine weiteren Fragen an.",
      fix: "Warten Sie, bis einige ihre Antwort haben, und senden Sie die Nachricht noch einmal.",
    },
    Remote: {
      title: "Der andere Rechner antwortet nicht",
      text: "Er war nicht zu erreichen, oder seine Antwort war nicht lesbar.",
      fix: "Prüfen Sie die Verbindung und, falls er einen verlangt, den Schlüssel. Sobald das Modell hier bereit ist, antwortet dieses Gerät.",
    },
    Abort: {
      title: "Es wurde angehalten",
      text: "Etwas hat die Arbeit beendet, bevor sie getan war. Was Sie geschrieben haben, bleibt.",
      fix: "Starten Sie das Modell neu.",
    },
    Internal: {
      title: "Etwas ist schiefgegangen",
      text: "Es ist ein unbekannter Fehler aufgetreten. Was Sie geschrieben haben, bleibt.",
      fix: "Starten Sie das Modell neu.",
    },
    PartMissing: {
      title: "Ein Teil des Modells fehlt hier",
      text: "Diese Antwort braucht eine Datei des Modells, die noch nicht auf diesem Gerät ist und nicht geladen werden konnte. Das Modell läuft weiter.",
      fix: "Prüfen Sie die Verbindung und fragen Sie noch einmal. Fragen, die sie nicht brauchen, etwa ohne Bilder oder Tonaufnahmen, werden inzwischen beantwortet.",
    },
    NoRoomToGrow: {
      title: "Für mehr ist kein Platz",
      text: "Das Modell läuft noch, aber sein Speicher kann nicht so weit wachsen, dass alles hineinpasst.",
      fix: "Lassen Sie das Modell den ältesten Teil vergessen, beginnen Sie von vorn, oder wählen Sie in den Einstellungen einen kürzeren Kontext. Auch andere Seiten brauchen Platz.",
    },
    Replaced: {
      title: "Es gibt eine neuere Version dieser Website",
      text: "Sie hat das Modell dieser Seite ersetzt. Was Sie geschrieben haben, bleibt.",
      fix: "Laden Sie die Seite neu.",
    },
    InsecurePage: {
      title: "Diese Seite muss über https geöffnet werden",
      text: "Browser geben WebGPU und Speicherplatz nur Seiten von einer sicheren Adresse.",
      fix: "Öffnen Sie dieselbe Adresse mit https://, oder http://localhost auf Ihrem eigenen Rechner.",
    },
    WasmForbidden: {
      title: "Der Server dieser Website verbietet WebAssembly",
      text: "Ein Teil des Modells ist WebAssembly, und die Content-Security-Policy des Servers lässt diese Seite keines ausführen.",
      fix: "Wer die Website betreibt, muss 'wasm-unsafe-eval' zu script-src im Header Content-Security-Policy hinzufügen.",
    },
    DeletionFailed: {
      title: "Das Modell konnte nicht gelöscht werden",
      text: "Der Browser ließ diese Seite nicht alle Dateien entfernen.",
      fix: "Schließen Sie andere Tabs mit dieser Seite und versuchen Sie es noch einmal.",
    },
  },
};

export default PROBLEMS;
