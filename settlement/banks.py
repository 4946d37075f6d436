"""Banks: the codes of the wire, their Korean names, other ways to write them, and Korean clearing codes."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bank:
    """One bank; `number` is its three-digit clearing code, empty where there is none."""

    code: str
    name: str
    number: str = ""
    aliases: tuple[str, ...] = ()


BANKS: tuple[Bank, ...] = (
    Bank("BANK_OF_KOREA", "한국은행", "001"),
    Bank("KDB", "산업은행", "002", ("KDB산업은행", "산업")),
    Bank("IBK", "기업은행", "003", ("IBK기업은행", "기업")),
    Bank("KOOKMIN", "국민은행", "004", ("KB국민은행", "국민", "KB")),
    Bank("SUHYUP", "수협은행", "007", ("수협", "Sh수협은행")),
    Bank("KEXIM", "수출입은행", "008"),
    Bank("NONGHYUP", "NH농협은행", "011", ("농협", "농협은행", "NH농협")),
    Bank("LOCAL_NONGHYUP", "지역농축협", "012", ("지역농협", "단위농협", "농축협", "지역농·축협")),
    Bank("WOORI", "우리은행", "020", ("우리",)),
    Bank("STANDARD_CHARTERED", "SC제일은행", "023", ("SC은행", "제일은행", "SC제일", "스탠다드차타드은행")),
    Bank("CITI", "한국씨티은행", "027", ("씨티은행", "씨티")),
    Bank("SUHYUP_FEDERATION", "수협중앙회", "030"),
    Bank("DAEGU", "아이엠뱅크", "031", ("대구은행", "iM뱅크", "DGB대구은행", "대구")),
    Bank("BUSAN", "부산은행", "032", ("부산", "BNK부산은행")),
    Bank("KWANGJU", "광주은행", "034", ("광주",)),
    Bank("JEJU", "제주은행", "035", ("제주",)),
    Bank("JEONBUK", "전북은행", "037", ("전북",)),
    Bank("KYONGNAM", "경남은행", "039", ("경남", "BNK경남은행")),
    Bank("KFCC", "새마을금고", "045", ("새마을", "MG새마을금고")),
    Bank("SHINHYUP", "신협", "048", ("신협중앙회", "신용협동조합")),
    Bank("SAVINGS_BANK", "저축은행", "050", ("상호저축은행", "저축은행중앙회")),
    Bank("MORGAN_STANLEY", "모간스탠리은행", "052"),
    Bank("HSBC", "HSBC은행", "054"),
    Bank("DEUTSCHE", "도이치은행", "055"),
    Bank("JPMC", "제이피모간체이스은행", "057", ("JP모간",)),
    Bank("MIZUHO", "미즈호은행", "058"),
    Bank("MUFG", "엠유에프지은행", "059"),
    Bank("BANK_OF_AMERICA", "BOA은행", "060", ("뱅크오브아메리카",)),
    Bank("BNP_PARIBAS", "비엔피파리바은행", "061"),
    Bank("ICBC", "중국공상은행", "062"),
    Bank("BANK_OF_CHINA", "중국은행", "063"),
    Bank("NFCF", "산림조합중앙회", "064", ("산림조합",)),
    Bank("UOB", "대화은행", "065"),
    Bank("BOCOM", "교통은행", "066"),
    Bank("CCB", "중국건설은행", "067"),
    Bank("POST", "우체국", "071", ("우체국예금",)),
    Bank("KODIT", "신용보증기금", "076"),
    Bank("KIBO", "기술보증기금", "077"),
    Bank("HANA", "하나은행", "081", ("하나", "KEB하나은행")),
    Bank("SHINHAN", "신한은행", "088", ("신한",)),
    Bank("K_BANK", "케이뱅크", "089", ("K뱅크", "케이")),
    Bank("KAKAO", "카카오뱅크", "090", ("카카오", "카뱅")),
    Bank("TOSS", "토스뱅크", "092", ("토스",)),
    Bank("MISC_FOREIGN", "기타 외국계은행"),
    Bank("SGI", "서울보증보험", "094"),
    Bank("KCIS", "한국신용정보원", "101"),
    Bank("YUANTA_SECURITIES", "유안타증권", "209"),
    Bank("KB_SECURITIES", "KB증권", "218"),
    Bank("SANGSANGIN_SECURITIES", "상상인증권", "221"),
    Bank("HANYANG_SECURITIES", "한양증권", "222"),
    Bank("LEADING_SECURITIES", "리딩투자증권", "223"),
    Bank("BNK_SECURITIES", "BNK투자증권", "224"),
    Bank("IBK_SECURITIES", "IBK투자증권", "225"),
    Bank("DAOL_SECURITIES", "다올투자증권", "227"),
    Bank("MIRAE_ASSET_SECURITIES", "미래에셋증권", "238", ("미래에셋",)),
    Bank("SAMSUNG_SECURITIES", "삼성증권", "240"),
    Bank("KOREA_SECURITIES", "한국투자증권", "243", ("한투증권", "한국투자")),
    Bank("NH_SECURITIES", "NH투자증권", "247", ("NH증권",)),
    Bank("KYOBO_SECURITIES", "교보증권", "261"),
    Bank("HI_SECURITIES", "하이투자증권", "262", ("iM증권",)),
    Bank("HYUNDAI_MOTOR_SECURITIES", "현대차증권", "263"),
    Bank("KIWOOM_SECURITIES", "키움증권", "264"),
    Bank("EBEST_SECURITIES", "LS증권", "265", ("이베스트투자증권", "이베스트증권")),
    Bank("SK_SECURITIES", "SK증권", "266"),
    Bank("DAISHIN_SECURITIES", "대신증권", "267"),
    Bank("HANHWA_SECURITIES", "한화투자증권", "269"),
    Bank("HANA_SECURITIES", "하나증권", "270"),
    Bank("TOSS_SECURITIES", "토스증권", "271"),
    Bank("SHINHAN_SECURITIES", "신한투자증권", "278", ("신한금융투자", "신한증권")),
    Bank("DB_SECURITIES", "DB금융투자", "279", ("DB증권",)),
    Bank("EUGENE_SECURITIES", "유진투자증권", "280"),
    Bank("MERITZ_SECURITIES", "메리츠증권", "287"),
    Bank("KAKAO_PAY_SECURITIES", "카카오페이증권", "288"),
    Bank("BOOKOOK_SECURITIES", "부국증권", "290"),
    Bank("SHINYOUNG_SECURITIES", "신영증권", "291"),
    Bank("CAPE_SECURITIES", "케이프투자증권", "292"),
    Bank("KOREA_SECURITIES_FINANCE", "한국증권금융", "293"),
    Bank("KOREA_FOSS_SECURITIES", "한국포스증권", "294"),
    Bank("WOORI_INVESTMENT_BANK", "우리종합금융", "295", ("우리종금",)),
)

BY_CODE: Mapping[str, Bank] = {bank.code: bank for bank in BANKS}


def find(text: str) -> Bank | None:
    """Return the bank somebody means, by code, name, other name or clearing code, however spaced."""
    return _BY_WORD.get(_plain(text))


def name_of(code: str) -> str:
    """Return the Korean name of a code; the code itself when nobody knows it."""
    bank = BY_CODE.get(code)
    return bank.name if bank else code


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


_BY_WORD: Mapping[str, Bank] = {
    _plain(word): bank for bank in BANKS for word in (bank.code, bank.name, bank.number, *bank.aliases) if word
}
