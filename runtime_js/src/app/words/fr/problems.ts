import type { ProblemsWords } from "../en/problems.ts";

const PROBLEMS: ProblemsWords = {
  ways: {
    tryAgain: "Réessayer",
    startAgain: "Redémarrer le modèle",
    loadPage: "Recharger la page",
    anew: "Repartir de zéro",
    settings: "Ouvrir les réglages",
    leaveOut: "Laisser de côté le plus ancien",
    close: "Fermer",
  },
  problems: {
    WebGPUNotAvailable: {
      title: "Ce navigateur n’offre pas WebGPU",
      text: "Le modèle fonctionne sur le GPU de cet appareil, et le navigateur n’y donne pas accès aux pages.",
      fix: "Utilisez une version récente de Chrome ou d’Edge, Safari 26 ou plus récent, ou Firefox 141 ou plus récent, avec l’accélération graphique activée.",
    },
    FeatureSupport: {
      title: "Cet appareil ne peut pas exécuter le modèle",
      text: "Il manque au navigateur ou au GPU une fonction ou une capacité dont le modèle a besoin.",
      fix: "Mettez à jour le navigateur et le pilote graphique, choisissez dans les réglages s’il faut le GPU ou le CPU, ou utilisez un autre appareil.",
    },
    Download: {
      title: "Le téléchargement s’est arrêté",
      text: "Un fichier du modèle n’a pas pu être récupéré. Ce qui est déjà arrivé est conservé.",
      fix: "Vérifiez la connexion et réessayez : il reprend là où il s’est arrêté. Si la connexion est bonne, le site a peut-être une version plus récente : rechargez la page.",
    },
    NoAnswer: {
      title: "Le navigateur ne répond pas",
      text: "On lui a demandé quelque chose dont le modèle a besoin, et il ne l’a ni donné ni refusé. Ce qui a été téléchargé est conservé.",
      fix: "Réessayez. Si cela persiste, fermez les autres pages de ce site et rechargez celle-ci, ou redémarrez le navigateur.",
    },
    Integrity: {
      title: "Un fichier est arrivé endommagé",
      text: "Sa somme de contrôle n’est pas celle de ce modèle ; il a donc été écarté.",
      fix: "Réessayez ou rechargez la page. Si cela persiste, le site n’a pas été mis en ligne en entier.",
    },
    Manifest: {
      title: "La description du modèle est illisible",
      text: "Les fichiers du site ne vont pas ensemble.",
      fix: "Rechargez la page. Si cela persiste, le site doit être reconstruit et remis en ligne.",
    },
    Protocol: {
      title: "Le modèle n’a pas pu continuer",
      text: "Le site a peut-être été mis à jour pendant que cette page était ouverte, et une partie de l’ancienne version manque. Ce que vous avez écrit est conservé.",
      fix: "Rechargez la page. Si cela persiste, le site doit être reconstruit et remis en ligne.",
    },
    DeviceLost: {
      title: "Le GPU a été perdu",
      text: "Le pilote graphique a été réinitialisé, ou le système a repris le GPU. Ce que vous avez écrit est conservé.",
      fix: "Redémarrez le modèle. Si cela arrive souvent, fermez d’autres pages qui utilisent le GPU, ou choisissez un contexte plus court dans les réglages.",
    },
    GPUExecution: {
      title: "Le GPU a refusé le travail",
      text: "Le navigateur a signalé une erreur du pilote graphique. Ce que vous avez écrit est conservé.",
      fix: "Redémarrez le modèle. Si cela persiste, mettez à jour le navigateur et le pilote graphique.",
    },
    OutOfMemory: {
      title: "Il n’y a pas assez de mémoire libre",
      text: "Le modèle et ce qu’il lit n’y tiennent pas. Ce que vous avez écrit est conservé.",
      fix: "Fermez d’autres pages et programmes qui prennent de la mémoire ou utilisent le GPU, ou choisissez un contexte plus court dans les réglages, puis redémarrez.",
    },
    ContextWindowSizeExceeded: {
      title: "C’est devenu trop long pour le modèle",
      text: "Cela ne tient plus dans le contexte que les réglages donnent au modèle.",
      fix: "Laissez le modèle oublier le plus ancien, repartez de zéro, ou choisissez un contexte plus long dans les réglages.",
    },
    RequestValidation: {
      title: "Le modèle n’a pas accepté la demande",
      text: "L’un des réglages ne lui convient pas.",
      fix: "Regardez les réglages et envoyez à nouveau le message.",
    },
    ModelNotFound: {
      title: "Ce site n’a pas le modèle",
      text: "Le modèle demandé n’est pas parmi ceux de ce site.",
      fix: "Rechargez la page. Si cela persiste, le site doit être reconstruit et remis en ligne.",
    },
    ModelNotLoaded: {
      title: "Le modèle n’est pas chargé",
      text: "On l’a sollicité avant qu’il soit là. Ce que vous avez écrit est conservé.",
      fix: "Redémarrez le modèle.",
    },
    QueueFull: {
      title: "Trop de demandes à la fois",
      text: "D’autres onglets ou programmes attendent des réponses de ce modèle, et il n’en accepte plus.",
      fix: "Attendez que certains aient leur réponse, puis envoyez à nouveau le message.",
    },
    Remote: {
      title: "L’autre ordinateur ne répond pas",
      text: "Il n’a pas pu être joint, ou sa réponse est illisible.",
      fix: "Vérifiez la connexion et, s’il en demande une, la clé. Dès que le modèle est prêt ici, cet appareil répond.",
    },
    Abort: {
      title: "Le travail a été arrêté",
      text: "Quelque chose y a mis fin avant qu’il soit terminé. Ce que vous avez écrit est conservé.",
      fix: "Redémarrez le modèle.",
    },
    Internal: {
      title: "Quelque chose s’est mal passé",
      text: "Une erreur inconnue est survenue. Ce que vous avez écrit est conservé.",
      fix: "Redémarrez le modèle.",
    },
    PartMissing: {
      title: "Une partie du modèle manque ici",
      text: "Cette réponse a besoin d’un fichier du modèle qui n’est pas encore sur cet appareil et qui n’a pas pu être téléchargé. Le modèle fonctionne toujours.",
      fix: "Vérifiez la connexion et posez la question à nouveau. Les questions qui n’en ont pas besoin, comme celles sans images ni sons, reçoivent une réponse entre-temps.",
    },
    NoRoomToGrow: {
      title: "Il n’y a plus de place",
      text: "Le modèle fonctionne encore, mais sa mémoire ne peut pas grandir assez pour tout contenir.",
      fix: "Laissez le modèle oublier le plus ancien, repartez de zéro, ou choisissez un contexte plus court dans les réglages. D’autres pages prennent aussi de la place.",
    },
    Replaced: {
      title: "Il y a une version plus récente de ce site",
      text: "Elle a remplacé le modèle de cette page. Ce que vous avez écrit est conservé.",
      fix: "Rechargez la page.",
    },
    InsecurePage: {
      title: "Cette page doit être ouverte en https",
      text: "Les navigateurs ne donnent WebGPU et le stockage qu’aux pages d’une adresse sécurisée.",
      fix: "Ouvrez la même adresse avec https://, ou utilisez http://localhost sur votre propre machine.",
    },
    WasmForbidden: {
      title: "Le serveur de ce site interdit WebAssembly",
      text: "Une partie du modèle est en WebAssembly, et la Content-Security-Policy du serveur ne laisse pas cette page en exécuter.",
      fix: "La personne qui gère le site doit ajouter 'wasm-unsafe-eval' à script-src dans l’en-tête Content-Security-Policy.",
    },
    DeletionFailed: {
      title: "Le modèle n’a pas pu être supprimé",
      text: "Le navigateur n’a pas laissé cette page retirer tous ses fichiers.",
      fix: "Fermez les autres onglets qui affichent cette page et réessayez.",
    },
  },
};

export default PROBLEMS;
