import type { ProblemsWords } from "../en/problems.ts";

const PROBLEMS: ProblemsWords = {
  ways: {
    tryAgain: "Intentar de nuevo",
    startAgain: "Iniciar de nuevo el modelo",
    loadPage: "Volver a cargar la página",
    anew: "Empezar de cero",
    settings: "Abrir los ajustes",
    leaveOut: "Omitir la parte más antigua",
    close: "Cerrar",
  },
  problems: {
    WebGPUNotAvailable: {
      title: "Este navegador no ofrece WebGPU",
      text: "El modelo funciona en la GPU de este dispositivo, y el navegador no da acceso a ella a las páginas.",
      fix: "Usa una versión actual de Chrome o Edge, Safari 26 o posterior, o Firefox 141 o posterior, con la aceleración gráfica activada.",
    },
    FeatureSupport: {
      title: "Este dispositivo no puede ejecutar el modelo",
      text: "Al navegador o a la GPU le falta una función o un límite que el modelo necesita.",
      fix: "Actualiza el navegador y el controlador gráfico, elige en los ajustes entre GPU y CPU, o usa otro dispositivo.",
    },
    Download: {
      title: "La descarga se detuvo",
      text: "No se pudo obtener un archivo del modelo. Lo que ha llegado hasta ahora se conserva.",
      fix: "Comprueba la conexión e inténtalo de nuevo: sigue donde se quedó. Si la conexión es buena, puede que el sitio tenga una versión más reciente: vuelve a cargar la página.",
    },
    NoAnswer: {
      title: "El navegador no responde",
      text: "Se le pidió algo que el modelo necesita, y no lo ha dado ni negado. Lo descargado se conserva.",
      fix: "Inténtalo de nuevo. Si sigue igual, cierra otras páginas de este sitio y vuelve a cargar esta, o reinicia el navegador.",
    },
    Integrity: {
      title: "Un archivo llegó dañado",
      text: "Su suma de comprobación no es la de este modelo, así que se descartó.",
      fix: "Inténtalo de nuevo o vuelve a cargar la página. Si sigue igual, el sitio no se subió completo.",
    },
    Manifest: {
      title: "No se puede leer la descripción del modelo",
      text: "Los archivos del sitio no encajan entre sí.",
      fix: "Vuelve a cargar la página. Si sigue igual, hay que generar y subir el sitio de nuevo.",
    },
    Protocol: {
      title: "El modelo no pudo continuar",
      text: "Puede que el sitio se actualizara con esta página abierta y que falte parte de la versión anterior. Lo que has escrito se conserva.",
      fix: "Vuelve a cargar la página. Si sigue igual, hay que generar y subir el sitio de nuevo.",
    },
    DeviceLost: {
      title: "Se perdió la GPU",
      text: "El controlador gráfico se reinició, o el sistema retiró la GPU. Lo que has escrito se conserva.",
      fix: "Inicia de nuevo el modelo. Si ocurre a menudo, cierra otras páginas que usen la GPU, o elige un contexto más corto en los ajustes.",
    },
    GPUExecution: {
      title: "La GPU rechazó su trabajo",
      text: "El navegador informó de un error del controlador gráfico. Lo que has escrito se conserva.",
      fix: "Inicia de nuevo el modelo. Si sigue igual, actualiza el navegador y el controlador gráfico.",
    },
    OutOfMemory: {
      title: "Hay muy poca memoria libre",
      text: "El modelo y lo que lee no caben. Lo que has escrito se conserva.",
      fix: "Cierra otras páginas y programas que ocupen memoria o usen la GPU, o elige un contexto más corto en los ajustes, e inicia de nuevo.",
    },
    ContextWindowSizeExceeded: {
      title: "Esto es ya demasiado largo para el modelo",
      text: "Ya no cabe en el contexto que los ajustes dan al modelo.",
      fix: "Deja que el modelo olvide la parte más antigua, empieza de cero, o elige un contexto más largo en los ajustes.",
    },
    RequestValidation: {
      title: "El modelo no aceptó la petición",
      text: "Uno de los ajustes no es válido para él.",
      fix: "Revisa los ajustes y envía el mensaje de nuevo.",
    },
    ModelNotFound: {
      title: "Este sitio no tiene el modelo",
      text: "El modelo que se pidió no está entre los de este sitio.",
      fix: "Vuelve a cargar la página. Si sigue igual, hay que generar y subir el sitio de nuevo.",
    },
    ModelNotLoaded: {
      title: "El modelo no está cargado",
      text: "Se le preguntó antes de que estuviera listo. Lo que has escrito se conserva.",
      fix: "Inicia de nuevo el modelo.",
    },
    QueueFull: {
      title: "Se pidió demasiado a la vez",
      text: "Otras pestañas o programas esperan respuestas de este modelo, y no admite más.",
      fix: "Espera a que algunos tengan su respuesta y envía el mensaje de nuevo.",
    },
    Remote: {
      title: "El otro equipo no responde",
      text: "No se pudo contactar con él, o no se pudo leer su respuesta.",
      fix: "Comprueba la conexión y, si la pide, la clave. Cuando el modelo esté listo aquí, responderá este dispositivo.",
    },
    Abort: {
      title: "Se detuvo",
      text: "Algo terminó el trabajo antes de que acabara. Lo que has escrito se conserva.",
      fix: "Inicia de nuevo el modelo.",
    },
    Internal: {
      title: "Algo salió mal",
      text: "Ha surgido un error desconocido. Lo que has escrito se conserva.",
      fix: "Inicia de nuevo el modelo.",
    },
    PartMissing: {
      title: "Aquí falta una parte del modelo",
      text: "Esta respuesta necesita un archivo del modelo que aún no está en este dispositivo y no se pudo descargar. El modelo sigue funcionando.",
      fix: "Comprueba la conexión y pregunta de nuevo. Las preguntas que no lo necesitan, como las que no llevan imágenes ni sonidos, se siguen respondiendo.",
    },
    NoRoomToGrow: {
      title: "No hay sitio para más",
      text: "El modelo sigue funcionando, pero su memoria no puede crecer para contener todo esto.",
      fix: "Deja que el modelo olvide la parte más antigua, empieza de cero, o elige un contexto más corto en los ajustes. Otras páginas también ocupan sitio.",
    },
    Replaced: {
      title: "Hay una versión más reciente de este sitio",
      text: "Ha sustituido al modelo de esta página. Lo que has escrito se conserva.",
      fix: "Vuelve a cargar la página.",
    },
    InsecurePage: {
      title: "Esta página debe abrirse por https",
      text: "Los navegadores solo dan WebGPU y almacenamiento a páginas de una dirección segura.",
      fix: "Abre la misma dirección con https://, o usa http://localhost en tu propio equipo.",
    },
    WasmForbidden: {
      title: "El servidor de este sitio prohíbe WebAssembly",
      text: "Una parte del modelo es WebAssembly, y la Content-Security-Policy del servidor no permite que esta página la ejecute.",
      fix: "Quien administra el sitio debe añadir 'wasm-unsafe-eval' a script-src de la cabecera Content-Security-Policy.",
    },
    DeletionFailed: {
      title: "No se pudo eliminar el modelo",
      text: "El navegador no dejó que esta página quitara todos sus archivos.",
      fix: "Cierra las otras pestañas que muestren esta página e inténtalo de nuevo.",
    },
  },
};

export default PROBLEMS;
