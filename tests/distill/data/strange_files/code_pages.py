"""Files in code pages and other encodings: what they say must come through, or which it is must be asked."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tests.distill.data.strange_files.case import Case, Read, Refused, texts

# Some sentences of each, written for this: of a notice, an order, a complaint.
SENTENCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Russian": ("Посылка пришла вчера, всё цело", "Где мой заказ? Жду уже неделю", "Объявление о скидках на обувь"),
        "Ukrainian": ("Посилка прийшла вчора, усе ціле", "Де моє замовлення? Чекаю вже тиждень", "Знижки на взуття її"),
        "Bulgarian": ("Пратката пристигна вчера и всичко е цяло", "Къде е поръчката ми? Чакам от седмица"),
        "Chinese": ("包裹昨天到了，东西都很好", "我的订单在哪里？已经等了一个星期", "今天鞋子打折，欢迎大家来看"),
        "traditional Chinese": (
            "包裹昨天到了，東西都很好",
            "我的訂單在哪裡？已經等了一個星期",
            "今天鞋子打折，歡迎大家來看",
        ),
        "Japanese": (
            "荷物は昨日届きました。問題ありません",
            "注文はどこですか？一週間待っています",
            "本日は靴のセールです",
        ),
        "Korean": (
            "소포가 어제 도착했고 모두 괜찮습니다",
            "제 주문은 어디에 있나요? 일주일째 기다립니다",
            "오늘 신발을 할인합니다",
        ),
        "Polish": (
            "Paczka dotarła wczoraj, wszystko całe",
            "Gdzie jest moje zamówienie? Czekam już tydzień",
            "Źdźbło, żółć i łąka",
        ),
        "Czech": (
            "Balík přišel včera, všechno je v pořádku",
            "Kde je má objednávka? Čekám už týden",
            "Slevy na dětskou obuv",
        ),
        "Hungarian": (
            "A csomag tegnap megérkezett, minden ép",
            "Hol van a rendelésem? Egy hete várok",
            "Cipők őszi vására, gyűjtőknek",
        ),
        "French": (
            "Le colis est arrivé hier, tout est intact",
            "Où est ma commande ? J’attends déjà",
            "Très déçu, je préfère être remboursé",
        ),
        "German": (
            "Das Paket kam gestern, alles heil, schöne Grüße",
            "Wo bleibt meine Bestellung? Ich möchte kündigen",
            "Schuhe für Mädchen, größer",
        ),
        "Spanish": (
            "El paquete llegó ayer, ¿y la factura?",
            "¿Dónde está mi pedido? Lo espero hace días",
            "El niño pequeño perdió la compañía",
        ),
        "Portuguese": (
            "A encomenda chegou ontem e está tudo em condições",
            "Onde está o meu pedido? Não recebi informação",
            "Promoção de calçado",
        ),
        "Greek": ("Το δέμα έφτασε χθες και όλα είναι εντάξει", "Πού είναι η παραγγελία μου; Περιμένω μία εβδομάδα"),
        "Turkish": (
            "Paket dün geldi, her şey sağlam",
            "Siparişim nerede? Bir haftadır bekliyorum, çok üzgünüm",
            "Ayakkabıda büyük indirim",
        ),
        "Hebrew": ("החבילה הגיעה אתמול והכול בסדר", "איפה ההזמנה שלי? אני מחכה כבר שבוע"),
        "Arabic": ("وصل الطرد أمس وكل شيء سليم", "أين طلبي؟ أنتظر منذ أسبوع", "تخفيضات اليوم على الأحذية"),
        "Thai": ("พัสดุมาถึงเมื่อวานและทุกอย่างเรียบร้อยดี", "คำสั่งซื้อของฉันอยู่ที่ไหน รอมาหนึ่งสัปดาห์แล้ว"),
        "Lithuanian": (
            "Siuntinys atvyko vakar, viskas sveika",
            "Kur mano užsakymas? Laukiu jau savaitę, prašau grąžinti",
            "Batų išpardavimas",
        ),
    }
)
WRITTEN_IN = (
    ("Russian", "cp1251"), ("Russian", "koi8-r"), ("Russian", "cp866"), ("Russian", "iso8859-5"),
    ("Russian", "mac-cyrillic"), ("Ukrainian", "cp1251"), ("Ukrainian", "koi8-u"), ("Bulgarian", "cp1251"),
    ("Chinese", "gbk"), ("Chinese", "gb18030"), ("traditional Chinese", "big5"), ("Japanese", "shift_jis"),
    ("Japanese", "euc-jp"), ("Japanese", "iso2022_jp"), ("Korean", "euc-kr"), ("Polish", "cp1250"),
    ("Polish", "iso8859-2"), ("Polish", "cp852"), ("Czech", "cp1250"), ("Hungarian", "cp1250"), ("French", "cp1252"),
    ("French", "mac-roman"), ("German", "latin-1"), ("German", "mac-roman"), ("German", "cp437"), ("German", "cp850"),
    ("Spanish", "cp1252"), ("Spanish", "cp850"), ("Portuguese", "cp1252"), ("Greek", "cp1253"), ("Turkish", "cp1254"),
    ("Hebrew", "cp1255"), ("Arabic", "cp1256"), ("Thai", "cp874"), ("Lithuanian", "cp1257"), ("Russian", "utf-16"),
)  # fmt: skip


def _in(language: str, encoding: str) -> bytes:
    return texts(SENTENCES[language]).encode(encoding, "ignore")


def _read(language: str, encoding: str) -> Read:
    meant = texts(SENTENCES[language]).encode(encoding, "ignore").decode(encoding)
    wanted = [line.rsplit(",", 1)[0].strip('"') for line in meant.splitlines()[1:]]
    return Read(values={"text": wanted}, labels=("no", "yes"), quiet=encoding == "utf-16")


CASES = (
    *(
        Case(
            f"{language} in {encoding}",
            _in(language, encoding),
            _read(language, encoding),
            data={"text": "body"},
        )
        for language, encoding in WRITTEN_IN
    ),
    Case(
        "Russian in koi8-r, said in the recipe",
        _in("Russian", "koi8-r"),
        Read(values=_read("Russian", "koi8-r").values, quiet=True),
        data={"text": "body", "encoding": "KOI8-R"},
    ),
    Case(
        "one word in a code page, which cannot be told",
        texts(("plain",)).encode() + b"na\xefve,no\r\n",
        Refused(("rows.csv is not UTF-8 (first in line 62)", "cp1252", "Set data.encoding")),
        data={"text": "body"},
    ),
    Case(
        "the same, said in the recipe",
        texts(("plain",)).encode() + b"na\xefve,no\r\n",
        Read(quiet=True),
        data={"text": "body", "encoding": "cp1252"},
    ),
    Case(
        "another encoding than the recipe says",
        _in("German", "latin-1"),
        Refused(("rows.csv is not all utf-8 (data.encoding) (line 2)",)),
        data={"text": "body", "encoding": "utf-8"},
    ),
    Case(
        "a mark that speaks against the recipe",
        lambda: texts(SENTENCES["German"]).encode("utf-8-sig"),
        Refused(("opens with the byte order mark of utf-8, and data.encoding is 'cp1252'", "Take data.encoding out")),
        data={"text": "body", "encoding": "cp1252"},
    ),
    Case(
        "a mark that the recipe says too",
        lambda: texts(SENTENCES["German"]).encode("utf-8-sig"),
        Read(values=_read("German", "utf-8").values, quiet=True),
        data={"text": "body", "encoding": "utf-8"},
    ),
    Case(
        "half in UTF-8 and half in a code page",
        _in("Russian", "utf-8") + _in("Russian", "cp1251").split(b"\n", 1)[1],
        Refused(("UTF-8 in some lines and not in others (first in line 62)",)),
        data={"text": "body"},
    ),
    Case(
        "a tenth in a code page that is not Windows-1252",
        _in("Russian", "utf-8") + b"".join(_in("Russian", "cp1251").splitlines(keepends=True)[1:7]),
        Refused(("UTF-8 in most lines and cp1251 in others (first in line 62)",)),
        data={"text": "body"},
    ),
    Case(
        "one odd byte in UTF-8",
        _in("French", "utf-8") + b"na\xefve,no\r\n",
        Read(notes=("is not all UTF-8 (first in line 62): the odd bytes were read as Windows-1252",)),
        data={"text": "body"},
    ),
    Case(
        "JSON Lines in a code page",
        lambda: _lines().encode("cp1251"),
        Read(notes=("by its letters it is in cp1251",)),
        data={"text": "body"},
        file="rows.jsonl",
    ),
)


def _lines() -> str:
    said = SENTENCES["Russian"]
    return "".join(f'{{"body": "{said[i % len(said)]} {i}", "label": {i % 2}}}\n' for i in range(40))
