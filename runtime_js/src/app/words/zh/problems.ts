import type { ProblemsWords } from "../en/problems.ts";

const PROBLEMS: ProblemsWords = {
  ways: {
    tryAgain: "重试",
    startAgain: "重新启动模型",
    loadPage: "重新加载页面",
    anew: "重新开始",
    settings: "打开设置",
    leaveOut: "略去最早的部分",
    close: "关闭",
  },
  problems: {
    WebGPUNotAvailable: {
      title: "此浏览器不提供 WebGPU",
      text: "模型在本设备的 GPU 上运行，而浏览器不允许页面使用 GPU。",
      fix: "请使用最新版 Chrome 或 Edge、Safari 26 或更新版本、Firefox 141 或更新版本，并开启图形加速。",
    },
    FeatureSupport: {
      title: "本设备无法运行此模型",
      text: "浏览器或 GPU 缺少模型所需的功能，或其上限达不到模型的要求。",
      fix: "请更新浏览器和显卡驱动程序，在设置中选择用 GPU 还是 CPU 运算，或换一台设备。",
    },
    Download: {
      title: "下载已停止",
      text: "无法获取模型的一个文件。已下载的部分会保留。",
      fix: "请检查网络后重试：下载会从中断处继续。如果网络正常，网站可能有了新版本：请重新加载页面。",
    },
    NoAnswer: {
      title: "浏览器没有响应",
      text: "已向浏览器请求模型所需的资源，它既没有给出，也没有拒绝。已下载的内容会保留。",
      fix: "请重试。如果仍然如此，请关闭本网站的其他页面并重新加载此页面，或重启浏览器。",
    },
    Integrity: {
      title: "有文件已损坏",
      text: "文件的校验和与此模型不符，因此已丢弃。",
      fix: "请重试或重新加载页面。如果仍然如此，说明网站没有完整上传。",
    },
    Manifest: {
      title: "无法读取模型的说明文件",
      text: "网站的文件彼此不匹配。",
      fix: "请重新加载页面。如果仍然如此，需要重新构建并上传网站。",
    },
    Protocol: {
      title: "模型无法继续",
      text: "此页面打开期间网站可能已更新，旧版本的一部分已不存在。你写的内容会保留。",
      fix: "请重新加载页面。如果仍然如此，需要重新构建并上传网站。",
    },
    DeviceLost: {
      title: "GPU 已丢失",
      text: "显卡驱动程序被重置，或系统收回了 GPU。你写的内容会保留。",
      fix: "请重新启动模型。如果经常发生，请关闭其他使用 GPU 的页面，或在设置中选择较短的上下文。",
    },
    GPUExecution: {
      title: "GPU 拒绝执行",
      text: "浏览器报告了显卡驱动程序的错误。你写的内容会保留。",
      fix: "请重新启动模型。如果仍然如此，请更新浏览器和显卡驱动程序。",
    },
    OutOfMemory: {
      title: "可用内存太少",
      text: "模型及其读取的内容放不下。你写的内容会保留。",
      fix: "请关闭其他占用内存或使用 GPU 的页面和程序，或在设置中选择较短的上下文，然后重新启动。",
    },
    ContextWindowSizeExceeded: {
      title: "内容对模型来说太长了",
      text: "内容已超出设置给模型的上下文。",
      fix: "可以让模型忘掉最早的部分、重新开始，或在设置中选择更长的上下文。",
    },
    RequestValidation: {
      title: "模型没有接受请求",
      text: "有一项设置不适合此模型。",
      fix: "请检查设置，然后重新发送消息。",
    },
    ModelNotFound: {
      title: "本网站没有此模型",
      text: "所请求的模型不在本网站的模型之中。",
      fix: "请重新加载页面。如果仍然如此，需要重新构建并上传网站。",
    },
    ModelNotLoaded: {
      title: "模型尚未加载",
      text: "在模型就绪之前就收到了请求。你写的内容会保留。",
      fix: "请重新启动模型。",
    },
    QueueFull: {
      title: "同时提出的请求太多",
      text: "其他标签页或程序正在等待此模型回答，它暂不接受更多请求。",
      fix: "请等其中一些得到回答后，再重新发送消息。",
    },
    Remote: {
      title: "另一台计算机没有响应",
      text: "无法连接到它，或无法读取它的回答。",
      fix: "请检查网络，如果它需要密钥，也请检查密钥。本设备上的模型就绪后，将由本设备回答。",
    },
    Abort: {
      title: "已停止",
      text: "工作在完成之前被终止。你写的内容会保留。",
      fix: "请重新启动模型。",
    },
    Internal: {
      title: "出错了",
      text: "发生了未知错误。你写的内容会保留。",
      fix: "请重新启动模型。",
    },
    PartMissing: {
      title: "此处缺少模型的一部分",
      text: "这个回答需要的一个模型文件还不在此设备上，而且无法获取。模型仍在运行。",
      fix: "请检查网络连接后再次提问。不需要该文件的问题（例如不带图片或声音的问题）在此期间仍可得到回答。",
    },
    NoRoomToGrow: {
      title: "没有空间容纳更多内容",
      text: "模型仍在运行，但它的内存无法再扩大来容纳全部内容。",
      fix: "可以让模型忘掉最早的部分、重新开始，或在设置中选择较短的上下文。其他页面也会占用空间。",
    },
    Replaced: {
      title: "本网站有更新的版本",
      text: "新版本已取代此页面的模型。你写的内容会保留。",
      fix: "请重新加载页面。",
    },
    InsecurePage: {
      title: "此页面必须通过 https 打开",
      text: "浏览器只向安全地址的页面提供 WebGPU 和存储。",
      fix: "请用 https:// 打开同一地址，或在自己的计算机上使用 http://localhost。",
    },
    WasmForbidden: {
      title: "本网站的服务器禁止 WebAssembly",
      text: "模型的一部分是 WebAssembly，而服务器的 Content-Security-Policy 不允许此页面运行它。",
      fix: "网站管理者需要在 Content-Security-Policy 标头的 script-src 中加入 'wasm-unsafe-eval'。",
    },
    DeletionFailed: {
      title: "无法删除模型",
      text: "浏览器没有让此页面删除模型的全部文件。",
      fix: "请关闭显示此页面的其他标签页，然后重试。",
    },
  },
};

export default PROBLEMS;
