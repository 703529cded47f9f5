"""What may stand where in a MeMo message: the structure of the official full examples of 1.1 and 1.2, written down as facts.

Sources: MeMo_Full_Example.xml of both versions (digitaliser.dk; itk-dev-rpa/python-serviceplatformen, tests/message_xml). The
examples' own order is the schema's sequence. 1.2 adds Sender/Representative and ForwardData/originalRepresentative; ContentData's
Address and UnstructuredAddress are in neither example, but in the library's model.
"""

from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree.ElementTree import Element

PREFIXES: Final = {
    "https://DigitalPost.dk/MeMo-1": "memo",
    "https://data.gov.dk/model/core/": "grd",
    "http://kle-online.dk/": "kle",
    "http://www.form-online.dk/": "form",
    "https://motorregister.skat.dk/": "dmv",
    "https://www.gs1.dk/gs1-standarder/identifikation/gln-global-location-number/": "gln",
    "https://services.nsi.dk/en/Services/SOR": "sor",
    "https://www.dst.dk/da/TilSalg/Forskningsservice/Dokumentation/hoejkvalitetsvariable/elevregister-2/udd#": "udd",
}

_PARTY: Final = "{0}ID idType label AttentionData ContactPoint"
_DOCUMENT: Final = "{0}DocumentID label File* Action*"

# Names without a prefix are memo's; * may be repeated.
_V1_1: Final = {
    "Message": "MessageHeader MessageBody",
    "MessageHeader": (
        "messageType messageUUID messageID messageCode label notification additionalNotification reply replyByDateTime "
        "doNotDeliverUntilDate mandatory legalNotification postType Sender Recipient ContentData ForwardData ReplyData*"
    ),
    "Sender": _PARTY.format("sender"),
    "Recipient": _PARTY.format("recipient"),
    "AttentionData": (
        "AttentionPerson grd:ProductionUnit gln:GlobalLocationNumber EMail grd:SEnumber Telephone grd:EID ContentResponsible "
        "GeneratingSystem sor:SORdata grd:Address grd:UnstructuredAddress"
    ),
    "ContactPoint": "contactGroup contactPointID label ContactInfo*",
    "ContentData": (
        "grd:CPRdata grd:CVRdata dmv:MotorVehicle grd:PropertyNumber CaseID kle:KLEdata form:FORMdata grd:ProductionUnit "
        "udd:Education grd:Address grd:UnstructuredAddress AdditionalContentData*"
    ),
    "grd:CPRdata": "grd:cprNumber grd:name",
    "CaseID": "caseID caseSystem",
    "kle:KLEdata": "kle:subjectKey kle:version kle:activityFacet kle:label",
    "form:FORMdata": "form:taskKey form:version form:activityFacet form:label",
    "ForwardData": (
        "messageUUID originalMessageDateTime originalSender originalContentResponsible contactPointID comment"
    ),
    "ReplyData": (
        "messageID messageUUID replyUUID senderID recipientID caseID contactPointID generatingSystemID comment "
        "AdditionalReplyData*"
    ),
    "MessageBody": "createdDateTime MainDocument AdditionalDocument* TechnicalDocument*",
    "MainDocument": _DOCUMENT.format("main"),
    "AdditionalDocument": _DOCUMENT.format("additional"),
    "TechnicalDocument": "technicalDocumentID label File*",
    "File": "encodingFormat filename language content",
    "Action": "label actionCode startDateTime endDateTime Reservation EntryPoint",
    "EntryPoint": "url",
    "Reservation": (
        "description reservationUUID abstract location startDateTime endDateTime organizerMail organizerName"
    ),
    "AttentionPerson": "personID label",
    "EMail": "emailAddress relatedAgent",
    "Telephone": "telephoneNumber relatedAgent",
    "ContentResponsible": "contentResponsibleID label",
    "GeneratingSystem": "generatingSystemID label",
    "ContactInfo": "label value",
    "AdditionalContentData": "contentDataType contentDataName contentDataValue",
    "AdditionalReplyData": "label value",
    "gln:GlobalLocationNumber": "gln:globalLocationNumber gln:location",
    "sor:SORdata": "sor:sorIdentifier sor:entryName",
    "dmv:MotorVehicle": "dmv:licenseNumber dmv:chassisNumber",
    "udd:Education": "udd:educationCode udd:educationName",
    "grd:CVRdata": "grd:cvrNumber grd:companyName",
    "grd:PropertyNumber": "grd:propertyNumber",
    "grd:ProductionUnit": "grd:productionUnitNumber grd:productionUnitName",
    "grd:SEnumber": "grd:seNumber grd:companyName",
    "grd:EID": "grd:eID grd:label",
    "grd:UnstructuredAddress": "grd:unstructured",
    "grd:Address": (
        "grd:id grd:addressLabel grd:houseNumber grd:door grd:floor grd:co grd:zipCode grd:city grd:country grd:AddressPoint"
    ),
    "grd:AddressPoint": ("grd:geographicEastingMeasure grd:geographicNorthingMeasure grd:geographicHeightMeasure"),
}
_V1_2: Final = {
    **_V1_1,
    "Sender": f"{_V1_1['Sender']} Representative",
    "Representative": "representativeID idType label",
    "ForwardData": _V1_1["ForwardData"].replace(" contactPointID", " originalRepresentative contactPointID"),
}
STRUCTURES: Final[Mapping[str, Mapping[str, str]]] = {"1.1": _V1_1, "1.2": _V1_2}


def misplaced(message: Element, structure: Mapping[str, str]) -> Iterator[str]:
    """What stands in the message that may not, or not there."""
    for parent in message.iter():
        name = short(parent)
        if name not in structure:
            if len(parent):
                yield f"{name} has children"
            continue
        allowed = structure[name].split()
        reached = 0
        for child in map(short, parent):
            places = [place for place, one in enumerate(allowed) if one.rstrip("*") == child and place >= reached]
            if not places:
                yield f"{name}/{child}"
                continue
            reached = places[0] + (not allowed[places[0]].endswith("*"))


def short(element: Element) -> str:
    """The element's name with its usual prefix; memo's has none."""
    namespace, _, name = element.tag.removeprefix("{").rpartition("}")
    prefix = PREFIXES.get(namespace, namespace)
    return name if prefix == "memo" else f"{prefix}:{name}"
