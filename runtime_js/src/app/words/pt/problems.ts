import type { ProblemsWords } from "../en/problems.ts";

const PROBLEMS: ProblemsWords = {
  ways: {
    tryAgain: "Tentar de novo",
    startAgain: "Iniciar o modelo de novo",
    loadPage: "Recarregar a página",
    anew: "Começar do zero",
    settings: "Abrir as configurações",
    leaveOut: "Deixar de fora a parte mais antiga",
    close: "Fechar",
  },
  problems: {
    WebGPUNotAvailable: {
      title: "Este navegador não oferece WebGPU",
      text: "O modelo funciona na GPU deste dispositivo, e o navegador não dá acesso a ela às páginas.",
      fix: "Use uma versão atual do Chrome ou do Edge, o Safari 26 ou mais recente, ou o Firefox 141 ou mais recente, com a aceleração gráfica ativada.",
    },
    FeatureSupport: {
      title: "Este dispositivo não consegue executar o modelo",
      text: "Falta ao navegador ou à GPU um recurso ou um limite de que o modelo precisa.",
      fix: "Atualize o navegador e o driver gráfico, escolha nas configurações entre GPU e CPU, ou use outro dispositivo.",
    },
    Download: {
      title: "O download parou",
      text: "Não foi possível obter um arquivo do modelo. O que já chegou é mantido.",
      fix: "Verifique a conexão e tente de novo: ele continua de onde parou. Se a conexão estiver boa, o site pode ter uma versão mais nova: recarregue a página.",
    },
    NoAnswer: {
      title: "O navegador não responde",
      text: "Foi pedido a ele algo de que o modelo precisa, e ele não deu nem recusou. O que foi baixado é mantido.",
      fix: "Tente de novo. Se continuar, feche outras páginas deste site e recarregue esta, ou reinicie o navegador.",
    },
    Integrity: {
      title: "Um arquivo chegou danificado",
      text: "A soma de verificação não é a deste modelo, por isso ele foi descartado.",
      fix: "Tente de novo ou recarregue a página. Se continuar, o site não foi enviado por completo.",
    },
    Manifest: {
      title: "A descrição do modelo não pode ser lida",
      text: "Os arquivos do site não combinam entre si.",
      fix: "Recarregue a página. Se continuar, o site precisa ser gerado e enviado de novo.",
    },
    Protocol: {
      title: "O modelo não conseguiu continuar",
      text: "O site pode ter sido atualizado enquanto esta página estava aberta, e uma parte da versão antiga sumiu. O que você escreveu é mantido.",
      fix: "Recarregue a página. Se continuar, o site precisa ser gerado e enviado de novo.",
    },
    DeviceLost: {
      title: "A GPU foi perdida",
      text: "O driver gráfico foi reiniciado, ou o sistema retirou a GPU. O que você escreveu é mantido.",
      fix: "Inicie o modelo de novo. Se acontecer com frequência, feche outras páginas que usam a GPU, ou escolha um contexto menor nas configurações.",
    },
    GPUExecution: {
      title: "A GPU recusou o trabalho",
      text: "O navegador relatou um erro do driver gráfico. O que você escreveu é mantido.",
      fix: "Inicie o modelo de novo. Se continuar, atualize o navegador e o driver gráfico.",
    },
    OutOfMemory: {
      title: "Há pouca memória livre",
      text: "O modelo e o que ele lê não cabem. O que você escreveu é mantido.",
      fix: "Feche outras páginas e programas que ocupam memória ou usam a GPU, ou escolha um contexto menor nas configurações, e inicie de novo.",
    },
    ContextWindowSizeExceeded: {
      title: "Isto ficou longo demais para o modelo",
      text: "Não cabe mais no contexto que as configurações dão ao modelo.",
      fix: "Deixe o modelo esquecer a parte mais antiga, comece do zero, ou escolha um contexto maior nas configurações.",
    },
    RequestValidation: {
      title: "O modelo não aceitou o pedido",
      text: "Uma das configurações não serve para ele.",
      fix: "Veja as configurações e envie a mensagem de novo.",
    },
    ModelNotFound: {
      title: "Este site não tem o modelo",
      text: "O modelo pedido não está entre os deste site.",
      fix: "Recarregue a página. Se continuar, o site precisa ser gerado e enviado de novo.",
    },
    ModelNotLoaded: {
      title: "O modelo não está carregado",
      text: "Ele foi consultado antes de estar pronto. O que você escreveu é mantido.",
      fix: "Inicie o modelo de novo.",
    },
    QueueFull: {
      title: "Pedidos demais ao mesmo tempo",
      text: "Outras abas ou programas esperam respostas deste modelo, e ele não aceita mais.",
      fix: "Espere até que alguns tenham sua resposta e envie a mensagem de novo.",
    },
    Remote: {
      title: "O outro computador não responde",
      text: "Não foi possível alcançá-lo, ou a resposta dele não pôde ser lida.",
      fix: "Verifique a conexão e, se ele pedir uma, a chave. Quando o modelo estiver pronto aqui, este dispositivo responde.",
    },
    Abort: {
      title: "Foi interrompido",
      text: "Algo encerrou o trabalho antes de ele terminar. O que você escreveu é mantido.",
      fix: "Inicie o modelo de novo.",
    },
    Internal: {
      title: "Algo deu errado",
      text: "Ocorreu um erro desconhecido. O que você escreveu é mantido.",
      fix: "Inicie o modelo de novo.",
    },
    PartMissing: {
      title: "Falta aqui uma parte do modelo",
      text: "Esta resposta precisa de um arquivo do modelo que ainda não está neste dispositivo e não pôde ser baixado. O modelo continua funcionando.",
      fix: "Verifique a conexão e pergunte de novo. Perguntas que não precisam dele, como as que não têm imagens nem sons, continuam a ser respondidas.",
    },
    NoRoomToGrow: {
      title: "Não há espaço para mais",
      text: "O modelo ainda funciona, mas a memória dele não pode crescer para conter tudo isto.",
      fix: "Deixe o modelo esquecer a parte mais antiga, comece do zero, ou escolha um contexto menor nas configurações. Outras páginas também ocupam espaço.",
    },
    Replaced: {
      title: "Há uma versão mais nova deste site",
      text: "Ela substituiu o modelo desta página. O que você escreveu é mantido.",
      fix: "Recarregue a página.",
    },
    InsecurePage: {
      title: "Esta página precisa ser aberta por https",
      text: "Os navegadores só dão WebGPU e armazenamento a páginas de um endereço seguro.",
      fix: "Abra o mesmo endereço com https://, ou use http://localhost no seu próprio computador.",
    },
    WasmForbidden: {
      title: "O servidor deste site proíbe WebAssembly",
      text: "Uma parte do modelo é WebAssembly, e a Content-Security-Policy do servidor não deixa esta página executá-la.",
      fix: "Quem administra o site precisa acrescentar 'wasm-unsafe-eval' a script-src no cabeçalho Content-Security-Policy.",
    },
    DeletionFailed: {
      title: "Não foi possível excluir o modelo",
      text: "O navegador não deixou esta página remover todos os arquivos dele.",
      fix: "Feche outras abas que mostram esta página e tente de novo.",
    },
  },
};

export default PROBLEMS;
