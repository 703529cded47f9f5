"""What is told of submissions and files."""

from contracts.document.v1 import DocumentType
from contracts.uploads import v1
from services.uploads.domain import texts
from services.uploads.domain.submissions import File, FileState
from services.uploads.usecases.show import Shown


def texts_of(said: texts.Texts) -> v1.Texts:
    """A text in both languages, as it is told."""
    return v1.Texts(da=v1.Text(**said.da._asdict()), en=v1.Text(**said.en._asdict()))


def file_view(file: File, name: str) -> v1.File:
    """A file as its citizen sees it."""
    has_bytes = file.state in {FileState.PENDING, FileState.CLEAN}
    return v1.File(
        file_id=file.file_id,
        name=name,
        state=v1.FileState(file.state.value),
        code=None if file.code is None else file.code.value,
        media_type=DocumentType(file.media_type.value),
        size=file.size,
        sha256=file.digest if has_bytes else None,
        received_at=file.received_at,
        texts=_said(file),
    )


def submission_view(shown: Shown, receiving: list[int]) -> v1.Submission:
    """A submission as its citizen sees it; `receiving`: bytes of files that are coming in."""
    one = shown.submission
    return v1.Submission(
        submission_id=one.submission_id,
        absence_id=one.absence_id,
        title=shown.title,
        reason=shown.reason,
        state=v1.SubmissionState(one.state.value),
        files=tuple(file_view(file, name) for file, name in shown.files),
        receiving=tuple(v1.Receiving(received_bytes=number) for number in receiving),
        attempts=tuple(v1.Attempt(at=attempt.at, refused=attempt.refused) for attempt in shown.attempts),
        begun_at=one.begun_at,
        sent_at=one.sent_at,
    )


def _said(file: File) -> v1.Texts | None:
    match file.state:
        case FileState.PENDING:
            return texts_of(texts.PENDING)
        case FileState.RECALLED:
            return texts_of(texts.RECALLED)
        case FileState.CLEAN:
            return None
        case _:
            assert file.code is not None
            return texts_of(texts.OF_CODE[file.code])
