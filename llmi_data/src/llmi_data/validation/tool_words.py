# ruff: noqa: E501 - a table reads better with one rule a line
"""The words that give a tool away, per language, as data: names, acts, and what makes or finds pictures.

Every entry is a regular expression, read without regard to case unless it says `(?-i:...)`. Verbs that also have an
honest life ("find", "make", "suchen") count only near a word for a picture. What a picture should *show* is never
listed: real, imagined, compared at a glance, in black and white.
"""

from __future__ import annotations

from typing import Final


def _near(acts: str, things: str, most: int = 60) -> str:
    """One of these acts, then one of these things, within a sentence and so many characters."""
    return rf"(?:{acts})[^.!?。！？؟।]{{0,{most}}}?(?:{things})"


_PICTURE = r"\b(?:photo|picture|image|portrait|illustration|drawing)s?(?:graphs?)?\b"
_BILD = r"\b(?:foto|bild|aufnahme|abbildung)"
_FR = r"\b(?:photo|image|vue)"
_ES = r"\b(?:foto|imagen|imágenes|vista)"
_IT = r"\b(?:foto|immagin)"
_PT = r"\b(?:foto|imagem|imagens)"

EVERYWHERE: Final = (
    ("search", r"\bgoogl\w*|\bgoogel\w*|\bbing\b|\bserp\w*|\bwikimedia\b|\bwikipedia\b|\bopenverse\b", "names a search service"),
    ("search", r"\byahoo\b|\bduckduckgo\b|\bbaidu\b|\byandex\b", "names a search service"),
    ("search", r"\bunsplash\b|\bpexels\b|\bpixabay\b|\bflickr\b|\bshutterstock\b|\bgetty images\b|\bpinterest\b", "names a store of pictures"),
    ("search", r"\binternet\w*|\bonline\b|\bhttps?://|\bwww\.", "names where one searches"),
    ("search", r"\bweb ?sites?\b|\bweb ?pages?\b|\bwebseiten?\b|\bsitio web\b|\bsite web\b|\bsito web\b", "names where one searches"),
    ("diffusion", r"\bdiffusion\b|\bdiffusionsmodel\w*|\btext[- ]to[- ]image\b|\bt2i\b", "names the kind of model"),
    ("diffusion", r"\bdall[- ·]?e\b|\bmidjourney\b|\bsdxl\b|\bseedream\b|\bcomfyui\b|\bgpt[- ]?image\b|\bchat ?gpt\b", "names a model"),
    ("diffusion", r"(?-i:\bImagen \d|\bImagen\b(?= (?:or|and|by|could|would|can|model)\b)|(?<=or )Imagen\b|\bF(?:lux|LUX)\b|\bAdobe Firefly\b|(?<=\w )Firefly\b)", "names a model"),
    ("diffusion", r"(?-i:\bA\.?I\b|\bKI\b|\b(?:con|una|l[’']|de|com|une|dell[’']|par|an|een) ?I\.?A\b)", "says the picture is synthetic"),
    ("code", r"\bpython(?!s\b)\w*", "names a language"),
    ("code", r"\bmatplotlib\b|\bseaborn\b|\bplotly\b|\bpandas\b(?! (?:eat|live|are|in|and|love|sleep|who|that))|\bnumpy\b|\bggplot\w*|\bgnuplot\b|\bd3\.js\b|\bmatlab\b|\bjupyter\b", "names a library"),
    ("code", r"\bjavascript\b|(?-i:\bExcel\b(?! (?:in|at)\b)|\bSVG\b|\bLaTeX\b|\bTikZ\b|\bHTML\b|\bCSS\b)", "names a language or program"),
    ("edit", r"\bphotoshop\w*|\bgimp\b|\blightroom\b|\bcanva\b|\b(?:in|out)paint\w*|\bimg2img\b|\bpaint\.net\b", "names an editing program or method"),
    ("any", r"</?imgen>|\bimgen\b|(?-i:\bAPIs?\b)|\bfunction call\w*", "speaks of tools or tags"),
)  # fmt: skip
"""Names in Latin letters, the same in every language, also in the middle of a text in another script."""

ENGLISH: Final = (
    ("search", r"(?<!\bin )\bsearch\w*(?! (?:part|dog|light|and rescue))", "names the act of searching"),
    ("search", r"\b(?:from|on|off|over|across|in|browse|surf|search|scour) the web\b|\bworld wide web\b|\bweb (?:image|search|lookup)", "names where one searches"),
    ("search", r"\bretriev(?:e|es|ed|ing|al)\b|\bfetch\w*|\bdownload\w*|\blook(?:ing|ed)? (?:it|them|this|that) up\b", "asks to retrieve"),
    ("search", _near(r"\blook(?:s|ing|ed)? up\b|\bfind(?:s|ing)?\b (?:me |us )?(?:an?|the|some|one|its)\b|\bscrap(?:e|ing)\b|\bsourc(?:e|ed|ing) (?:an?|the|its)\b", _PICTURE, 25), "asks to retrieve"),
    ("search", r"\bstock (?:photo|image|picture)\w*|\b(?:image|picture|photo) (?:bank|database|search|lookup|agency)|\bweb results?\b", "names where one searches"),
    ("diffusion", r"\bgenerat(?:e|es|ed|ing|or|ors|ive)\b|\b(?:image|picture) (?:generation|synthesis)\b|\bsynthesi[sz]\w*", "asks to generate"),
    ("diffusion", r"\bartificial intelligence\b|\bneural net\w*|\b(?:machine|computer)[- ](?:generated|made|painted|drawn)\b", "says the picture is synthetic"),
    ("diffusion", r"\b(?:image|picture|vision|language) models?\b|\bprompt(?:ed|ing)? (?:an?|the) (?:\w+ )?(?:model|generator|machine)", "names the kind of model"),
    ("code", r"(?<!dress )(?<!building )(?<!zip )(?<!post )(?<!morse )(?<!penal )(?<!area )(?<!civil )(?<!color )(?<!colour )\bcod(?:e|es|ed|ing)\b(?! of (?:conduct|honou?r|practice|silence))(?! (?:de la route|postal|civil|pénal))", "names code"),
    ("code", r"\bscripts?\b|\bsnippets?\b|\bprogram(?:s|ming|matic|matically)?\b(?! (?:of|for) (?:the|an?|this))", "asks for a program"),
    ("code", r"\b(?:bar|line|box|scatter|pie|violin) plots?\b|\bplott(?:ed|ing)\b|\bplot (?:it|them|this|these|the)\b(?! (?:of|behind|twist))", "asks to plot"),
    ("edit", r"\bedit(?:s|ed|ing)?\b|\b(?:photo|image|picture) ?edit\w*|\bretouch\w*|\bairbrush\w*|\bpost-?process\w*", "asks to edit"),
    ("edit", r"\b(?:imag|photo|pictur)\w*[- ](?:processing|manipulation|software)\b|\bdigital(?:ly)? (?:alter|manipulat|enhanc|modif)\w*", "names an editing method"),
    ("edit", r"\b(?:apply|use|run|put) (?:an? )?(?:[\w-]+ )?filters?\b", "names an editing method"),
    ("any", r"\btool(?:s|kits?)?\b(?! (?:shed|box|belt))(?<!garden tool)(?<!stone tool)(?<!hand tool)(?<!garden tools)(?<!stone tools)(?<!hand tools)", "speaks of tools or tags"),
)  # fmt: skip

OTHERS: Final = (
    # Names in other letters
    ("search", r"百度|谷歌|グーグル|구글|яндекс\w*|гугл\w*|интернет\w*|інтернет\w*|インターネット|인터넷|الإنترنت|इंटरनेट|\bi\u0307nternet\w*", "names where one searches"),
    ("diffusion", r"文生图|текст в изображение|(?-i:\bИИ\b|\bШІ\b)", "says the picture is synthetic"),
    ("code", r"пайтон\w*|\bна питоне\b|파이썬|パイソン|पायथन|بايثون", "names a language"),
    # German
    ("search", _near(r"\bsuch(?:e|t|en)?\b|\bdurchsuch\w*|\brecherchier\w*|\bfinde\b", _BILD + r"|\bnetz\b|\bweb\b"), "names the act of searching"),
    ("search", r"\bsuchmaschine\w*|\bbildersuche\b|\b(?:im|aus dem) (?:netz|web)\b(?! der)|\bherunterlad\w*|\bweb-?suche\b|\bstockfoto\w*", "names where one searches"),
    ("diffusion", r"\bgenerier\w*|\bbildgenerator\w*|\bkünstliche\w* intelligenz|\bbildmodell\w*|\bneuronal\w* netz", "asks to generate"),
    ("code", r"\bprogrammier\w*|\bskript\w*|\bquellcode\w*|\bcode\b(?= der| schreib)", "names code"),
    ("edit", r"\bbildbearbeit\w*|\bretuschier\w*|\bfotomontage\w*|" + _near(r"\bbearbeite\w*|\beditier\w*", _BILD), "asks to edit"),
    # French
    ("search", _near(r"\b(?:re)?cherche[rsz]?\b|\btrouve[rsz]?\b|\btélécharge\w*", _FR, 30) + r"|\brecherche d[’']images?|\b(?:sur|depuis) le (?:web|net)\b|\bmoteur de recherche|\ben ligne\b", "names the act of searching"),
    ("diffusion", r"\bgén[èé]r(?:e|er|es|ez|é|ée|és|ées|ateur|ateurs|ative|atif)\b|\bintelligence artificielle|\breseau de neurones", "asks to generate"),
    ("code", r"\bprogramme(?:r|z)?\b (?:un|une|le|la) (?:graph|figure|dessin|courbe|diagramme)|\bcode (?:python|source|informatique)|\bdu code\b|\bcoder\b", "names code"),
    ("edit", r"\bretouch\w*|\blogiciel\w*|\bédit(?:e|er|es|ez|ée)\b|\béditeur d[’'e] ?(?:images?|photos?)|\btraitement d[’']images?", "asks to edit"),
    # Spanish
    ("search", _near(r"\bbusca\w*|\bbusque\w*|\bencuentr\w*|\bdescarg\w*", _ES, 40) + r"|\bbúsqueda de im|\bbuscador\w*|\b(?:en|de) la (?:web|red)\b|\ben línea\b", "names the act of searching"),
    ("diffusion", r"\bgener(?:a|ar|ada|ado|e|en|ador|adora|ativa|ativo)\b|\binteligencia artificial|\bred neuronal|\bmodelo de imágenes", "asks to generate"),
    ("code", r"\bcódigo\b(?! (?:postal|civil|penal|de (?:conducta|honor|circulação|circulación|vestimenta)))|\bprogram(?:a|ar|e) (?:un|una|el|la) (?:gráfic|figura|dibujo|diagrama)", "names code"),
    ("edit", r"\bedit(?:a|ar|e|es|ada|ado)\b|\beditor(?:a|es)? de (?:fotos?|im[áa]gen(?:es|s)?|fotograf)|\bretoc(?:a|ar|ada|ado)\b|\bretoque\b|\bfotomontaje", "asks to edit"),
    # Italian
    ("search", _near(r"\bcerca(?:re|te)?\b|\btrova(?:re|te)?\b|\bscarica(?:re|te)?\b", _IT, 30) + r"|\bricerca (?:di immagini|in rete|sul web)|\b(?:dal|sul) web\b|\bmotore di ricerca|\bin rete\b", "names the act of searching"),
    ("diffusion", r"\bgener(?:are|ata|ato|i|atore|ativa|ativo)\b|\bintelligenza artificiale|\brete neurale", "asks to generate"),
    ("code", r"\bcodice\b(?! (?:fiscale|postale|civile|penale|della strada|di avviamento))|\bprogramm(?:a|are) (?:un|una|il|la) (?:grafic|figura|disegn|diagramm)", "names code"),
    ("edit", r"\bfotoritocco|\britocc\w*|\bmodifica(?:re|te)? (?:la foto|l[’']immagine) con|\belaborazione (?:delle )?immagini", "asks to edit"),
    # Portuguese
    ("search", _near(r"\bprocur(?:a|e|ar)\b|\bpesquis(?:a|e|ar)\b|\bencontr(?:a|e|ar)\b|\bbaix(?:a|e|ar)\b|\bdescarreg\w*", _PT, 30) + r"|\bpesquisa de im|\bmotor de (?:busca|pesquisa)|\bna (?:web|rede)\b", "names the act of searching"),
    ("diffusion", r"\bger(?:a|ar|ada|ado|e|ador|ativa)\b (?:uma|um|com|a|o|por)\b|\binteligência artificial|\brede neur", "asks to generate"),
    # Dutch
    ("search", _near(r"\bzoek(?:t|en)?\b|\bvind\b|\bdownload\w*", r"\b(?:foto|afbeelding|beeld|plaatje)", 30) + r"|\bzoekopdracht|\bzoekmachine|\bop het (?:net|web)\b", "names the act of searching"),
    ("diffusion", r"\bgenereer\w*|\bgegenereerd\w*|\bkunstmatige intelligentie|\bbeeldgenerator", "asks to generate"),
    ("code", r"\bprogrammeer\w*|\bcode (?:die|schrijven)|\bschrijf (?:een )?(?:stukje )?code", "names code"),
    ("edit", r"\bbewerk(?:t|en|te)?\b|\b(?:foto|beeld)bewerking\w*|\bretoucheer\w*", "asks to edit"),
    # Swedish, Danish, Norwegian
    ("search", _near(r"\bs[öø]k(?:er|a|e)?\b|\bs[øö]g(?:er|e)?\b|\bhitta\b|\bfind\b|\bfinn\b", r"\bnätet\b|\bnettet\b|\b(?:ett?|en|et) (?:foto|bild|billede|bilde)", 40) + r"|\bsökmotor|\bsøgemaskine|\bsøkemotor|\bp[åÅ] n[äe]t+et\b", "names the act of searching"),
    ("diffusion", r"\bgenerera\w*|\bgenerer\b|\bgenererer\b|\bgenereret\b|\b[ak]rtificiell? intelligens|\bkunstig intelligens", "asks to generate"),
    ("code", r"\bkod(?:en)? som\b|\bskriv (?:en )?kod[e]?\b|\bkode,? der\b|\bprogrammera\w*|\bprogrammer(?:er)?\b", "names code"),
    ("edit", r"\bredigera\w*|\bredig[eé]r(?:er|ing)?\b|\bretuscher\w*|\bbil(?:d|led)behandling", "asks to edit"),
    # Polish, Czech
    ("search", r"\bwyszuk\w*|\bw (?:internecie|sieci)\b|\bvyhled(?:ej|at|ejte)\b|\bna (?:internetu|webu)\b|" + _near(r"\bznajdź|\bposzukaj|\bnajdi", r"\bzdjęci|\bobraz|\bfotk|\bobráz"), "names the act of searching"),
    ("diffusion", r"\b(?:wy)?generuj\w*|\bwygenerowan\w*|\bsztuczn\w+ inteligencj\w*|\buměl\w+ inteligenc\w*|\b(?:vy)?generuj\w*|\bvygenerovan\w*", "asks to generate"),
    ("code", r"\b(?:napisz|napiš) k[oó]d\b|\bskrypt\w*|\bskript\w*|\bza?program(?:uj|ovat)\w*|\bk[oó]du? (?:w |v |který|który)", "names code"),
    ("edit", r"\bedyt(?:uj|ować|orze|ora|or)\w*|\bretusz\w*|\bedit(?:uj|ovat)\w*|\bv? ?editoru\b|\bretušuj\w*|\bw programie graficznym", "asks to edit"),
    # Russian, Ukrainian
    ("search", r"\bпоиск(?:овик\w*|е картин\w*)\b|\bпоищи\w*|\bпогугли\w*|\bв сети\b|\bпошукай\w*|\bпошуков\w*|" + _near(r"\bнайди\w*|\bзнайди\w*|\bскачай\w*|\bзавантаж\w*", r"фото|снимок|картинк|изображ|зображ|світлин"), "names the act of searching"),
    ("diffusion", r"\b(?:с)?генерир\w*|\bсгенерируй\w*|\bзгенер\w*|\bнейросет\w*|\bнейромереж\w*|\bискусственн\w+ интеллект\w*|\bштучн\w+ інтелект\w*", "asks to generate"),
    ("code", r"\bкод,? (?:который|що|який)|\bнапи(?:ши|шите) (?:\w+ )?код\b|\bскрипт\w*|\bпрограммн\w* код|\bзапрограммир\w*|\bзапрограмуй", "names code"),
    ("edit", r"\b(?:от)?редактир\w*|\b(?:від)?редагу\w*|\bфоторедактор\w*|\bотретушир\w*|\bретуш\w*|\bфотошоп\w*|" + _near(r"\bобработай\w*|\bоброби\w*", r"фото|снимок|картинк|зображ"), "asks to edit"),
    # Turkish
    ("search", _near(r"fotoğraf|görsel|resim|resmi", r"\bara(?:yın|yıp|t)?\b|\bindir\w*") + r"|\barama motoru|\bgoogle'la|\baraştır\w* (?:internet|ağ)", "names the act of searching"),
    ("diffusion", _near(r"görsel|resim|görüntü|resmi", r"\büret\w*|\boluşturucu", 40) + r"|\byapay zek[âa]\w*", "asks to generate"),
    ("code", r"\bkod(?:u|la|lar)? yaz\w*|\bkodla\w*|\bbetik\w*|\bbetiği\w*|\bprogramla\w*", "names code"),
    ("edit", _near(r"fotoğraf\w*|görsel\w*|resmi\w*", r"\bdüzenle\w*|\brötuş\w*", 30), "asks to edit"),
    # Finnish
    ("search", r"\bnetist[äa]\b|\bhakukone\w*|" + _near(r"\bhae\b|\betsi\b", r"\bkuva|\bvalokuva", 30), "names the act of searching"),
    ("diffusion", r"\btekoäly\w*|\bgeneroi\w*", "asks to generate"),
    ("code", r"\bkoodi\w*|\bohjelmoi\w*|\bskripti\w*", "names code"),
    ("edit", r"\bkuvankäsittely\w*|\bmuokkaa\w* (?:\w+ ){0,4}kuvaa|\bretusoi\w*", "asks to edit"),
    # Indonesian, Vietnamese
    ("search", _near(r"\bcari(?:lah|kan)?\b|\bunduh\b|\btìm\b|\btải\b", r"\bfoto|\bgambar|\bảnh|\bhình") + r"|\bmesin pencari|\btrên mạng\b|\bcông cụ tìm kiếm", "names the act of searching"),
    ("diffusion", r"\bkecerdasan buatan|\bhasilkan (?:gambar|foto)|\btrí tuệ nhân tạo|\btạo (?:hình )?ảnh bằng", "asks to generate"),
    ("code", r"\btulis(?:kan)? kode|\bkode (?:yang|program)|\bskrip\b|\bviết mã|\bmã nguồn|\blập trình|\bđoạn mã", "names code"),
    ("edit", r"\bsunting\w*|\bmenyunting|\bmengedit|\bchỉnh sửa|\bphần mềm", "asks to edit"),
    # Chinese
    ("search", r"搜索|搜寻|搜尋|搜图|搜一|检索|檢索|网上|網上|上网|上網|互联网|网络上|从网络|從網路|下载|下載|查找.{0,8}[图圖照]", "names the act of searching"),
    ("diffusion", r"生成|人工智能|人工智慧|(?:图像|绘画|扩散)模型|AI ?(?:作画|绘画|繪圖|绘图)", "asks to generate"),
    ("code", r"代码|代碼|编程|編程|脚本|腳本|写.{0,4}程序|寫.{0,4}程式|用程序|程式碼", "names code"),
    ("edit", r"编辑|編輯|修图|修圖|[pP]图|[pP](?:一下|掉|成)|图像处理|圖像處理|照片处理|抠图", "asks to edit"),
    # Japanese, Korean
    ("search", r"検索|ネット(?:で|上|から)|ウェブ|ダウンロード|검색|다운로드|웹(?:에서|사이트)", "names the act of searching"),
    ("diffusion", r"生成|人工知能|画像モデル|생성|인공지능", "asks to generate"),
    ("code", r"コード(?:を|で)|プログラム(?:で|を書)|スクリプト|코드|코딩|스크립트|프로그래밍", "names code"),
    ("edit", r"編集|レタッチ|画像加工|画像処理|편집|보정|리터칭", "asks to edit"),
    # Arabic, Hindi
    ("search", r"ابحث|البحث عن صور|محرك بحث|حمّل صورة|खोजें|खोजकर|खोज इंजन|सर्च|डाउनलोड", "names the act of searching"),
    ("diffusion", r"توليد|ولّد|الذكاء الاصطناعي|ذكاء اصطناعي|उत्पन्न कर|कृत्रिम बुद्धिमत्ता|जनरेट|एआई", "asks to generate"),
    ("code", r"كود|برمجة|برمجي|سكربت|कोड|स्क्रिप्ट|प्रोग्राम लिख", "names code"),
    ("edit", r"تحرير الصور|برنامج تحرير|فوتوشوب|حرّر الصورة|संपादित|एडिट|फोटोशॉप", "asks to edit"),
)  # fmt: skip
"""Other languages. They are all read for every prompt: requests mix languages, and a label may be wrong."""
